"""`vmdirac history ...`: what an installation remembers, for a replay."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .common import Json, opened
from .output import errors, print_json

app = typer.Typer(no_args_is_help=True, help="This installation's past as a trace.")


@app.callback()
def group() -> None:
    """Keep `export` a command of its own while it is the only one."""


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The CSV file to write; - writes to standard output.")],
    vo: Annotated[str, typer.Option(help="Only this VO's jobs.")] = "",
    names: Annotated[bool, typer.Option("--names", help="Name owners, instead of giving them pseudonyms.")] = False,
    json: Json = False,
) -> None:
    """Write finished jobs as a trace that `vmdirac replay` reads."""
    from vmdirac_py.operations import history

    if json and str(file) == "-":
        raise typer.BadParameter("standard output takes the trace or the JSON, not both", param_hint="--json")
    with opened() as ctx:
        if str(file) == "-":
            told = history.export(ctx, sys.stdout, names=names, vo=vo)
        else:
            told = history.export_file(ctx, file, names=names, vo=vo)
    if json:
        print_json(told)
    else:
        errors.print(f"{file}: {told.written} jobs; {told.never_ran} more never ran", highlight=False, markup=False)
