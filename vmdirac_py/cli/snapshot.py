"""`snapshot`: everything the next plan depends on, in one file that anybody can plan again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import files
from .common import opened
from .output import errors, print_json

if TYPE_CHECKING:
    from vmdirac_py.planner.situation import Situation


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(snapshot)


def snapshot(
    file: Annotated[Path, typer.Argument(help="The file to write; - writes to standard output.")] = files.STANDARD,
    pretty: Annotated[bool, typer.Option("--pretty", help="Indent it for people.")] = False,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Pseudonyms for people, the same as in `history export`.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of such a file instead.")] = False,
) -> None:
    """Write what a plan made now depends on, memory included: for `vmdirac plan --snapshot` here or elsewhere.

    The options of endpoints and pools are left out. Nothing is changed.
    """
    if schema:
        _print_schema()
        return
    from msgspec.json import format as indented

    from vmdirac_py.planner.codec import situation_to_json

    written = situation_to_json(_taken(pseudonyms=pseudonyms))
    files.write(file, (indented(written, indent=2) if pretty else written) + b"\n")


def _print_schema() -> None:
    from vmdirac_py.planner.schema import schema as schemas

    print_json(schemas()["situation-1"])


def _taken(*, pseudonyms: bool) -> Situation:
    """Return the present situation; tell when the plan of one with pseudonyms is another."""
    from vmdirac_py.operations import situations
    from vmdirac_py.planner.difference import difference

    with opened() as ctx:
        plain = situations.take(ctx)
        if not pseudonyms:
            return plain
        made = situations.for_strangers(ctx, plain)
    if difference(situations.planned(plain), situations.planned(made)).actions:
        errors.print("with pseudonyms the plan is another: among equals the order of names decides", highlight=False)
    return made
