"""`init`, `upgrade`, `quickstart`: making an installation, keeping its ledger current, seeing it work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vmdirac_py.base.settings import Settings, find_home

from .common import HOME, Json


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(init)
    app.command()(upgrade)
    app.command()(quickstart)


def init(
    inventory: Annotated[Path, typer.Option("--inventory", "-i", help="The Ansible inventory (folder or file).")],
    database: Annotated[str, typer.Option(help="SQLAlchemy URL of the ledger [default: SQLite in the home].")] = "",
    vm_host: Annotated[str, typer.Option(help="Address the VM listener binds and VMs reach.")] = "127.0.0.1",
    vm_port: Annotated[int, typer.Option(help="Port for VMs.")] = 8443,
    people_port: Annotated[int, typer.Option(help="Port for people.")] = 8444,
) -> None:
    """Make an installation: settings, ledger, certificate authority, first inventory revision."""
    from vmdirac_py import installation

    home = find_home(HOME["given"])
    given = {"vm_host": vm_host, "vm_port": vm_port, "people_port": people_port}
    settings = Settings(inventory=str(inventory.resolve()), **({"database": database} if database else {}), **given)
    made = installation.init(home, settings)
    typer.echo(f"installation {made} made in {home.root}")
    typer.echo("next: vmdirac up")


def upgrade() -> None:
    """Bring the ledger's schema up to this program's."""
    from vmdirac_py import installation

    home = find_home(HOME["given"])
    installation.upgrade(home)
    typer.echo(f"the ledger of {home.root} is up to date")


def quickstart(
    folder: Annotated[Path, typer.Option(help="Where to make the installation; made anew each time.")] = Path(
        ".vmdirac/quickstart"
    ),
    minutes: Annotated[float, typer.Option(help="Give up after so long.")] = 10.0,
    json: Json = False,
) -> None:
    """See it all work once on this machine: queues, plan, VMs, jobs of three VOs, and the bill."""
    from .quickstart import quickstart as run_quickstart

    if not run_quickstart(folder, minutes=minutes, json=json):
        raise typer.Exit(1)
