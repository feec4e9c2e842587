"""`vmdirac`: one command line for operators and users of an installation."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from vmdirac_py import __version__
from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.base.log import configure

from . import batch, endpoint, history, image, inventory, job, look, plan, replay, services, setup, snapshot, vm
from .common import HOME

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Elastic cloud capacity for scientific communities: DIRAC task queues in, virtual machines out.",
)
app.add_typer(job.app, name="job")
app.add_typer(batch.app, name="batch")
app.add_typer(vm.app, name="vm")
app.add_typer(image.app, name="image")
app.add_typer(endpoint.app, name="endpoint")
app.add_typer(inventory.app, name="inventory")
app.add_typer(history.app, name="history")
setup.register(app)
services.register(app)
plan.register(app)
look.register(app)
snapshot.register(app)
replay.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    home: Annotated[
        str | None, typer.Option(help="The installation's folder [default: $VMDIRAC_HOME, else ./.vmdirac].")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember the options every command shares."""
    HOME["given"] = home
    configure(verbose=verbose)


def main() -> None:
    """Run the command line; errors of ours become one line and exit code 1."""
    try:
        app()
    except VmdiracError as error:
        typer.echo(f"vmdirac: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
