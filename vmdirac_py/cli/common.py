"""What every command shares: the home option, `--json`, and an open installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vmdirac_py.base.settings import find_home

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from vmdirac_py.installation import Installation

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HOME: dict[str, str | None] = {"given": None}


def opened() -> AbstractContextManager[Installation]:
    """Return the installation named by `--home`, to be used in a `with`."""
    from vmdirac_py.installation import open_installation

    return open_installation(find_home(HOME["given"]))


def actor() -> str:
    """Return the unix user as an actor."""
    from vmdirac_py.installation import unix_actor

    return unix_actor()
