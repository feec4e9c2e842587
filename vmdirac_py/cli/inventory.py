"""`vmdirac inventory ...`: check, show, and the keys an inventory may use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Json, opened
from .output import console, plain, print_json, table

app = typer.Typer(no_args_is_help=True, help="Pools, endpoints and VOs, from an Ansible inventory in git.")


@app.command()
def check(
    path: Annotated[Path | None, typer.Argument(help="An inventory [default: the installation's].")] = None,
    json: Json = False,
) -> None:
    """Say everything that is wrong with an inventory, by file and key; exit code 1 when something is."""
    from vmdirac_py.inventory.api import BadInventory
    from vmdirac_py.operations import revisions
    from vmdirac_py.operations.endpoint_warnings import found_in

    if path is None:
        with opened() as ctx:
            path = revisions.inventory_path(ctx)
    try:
        inventory = revisions.check(path)
    except BadInventory as error:
        if not json:
            raise
        print_json({"ok": False, "problems": plain(error.problems)})
        raise typer.Exit(1) from None
    warnings = [one for told in found_in(inventory).values() for one in told]
    if json:
        names = {"pools": sorted(inventory.pools), "endpoints": sorted(inventory.endpoints)}
        print_json({"ok": True, "warnings": warnings, **names})
    else:
        for warning in warnings:
            console.print(f"warning: {warning}", markup=False)
        counts = f"{len(inventory.pools)} pools, {len(inventory.endpoints)} endpoints, {len(inventory.vos)} VOs"
        console.print(f"{path}: sound: {counts}")


@app.command()
def show(json: Json = False) -> None:
    """Show the active revision."""
    with opened() as ctx:
        inventory = ctx.inventory()
    if json:
        print_json(inventory)
        return
    console.print(f"revision {inventory.fingerprint[:12]} {inventory.commit}")
    columns = ("POOL", "VO", "ENDPOINT", "FLAVOR", "CORES", "RAM MB", "MAX VMS", "PRICE/H")
    rows = [
        (p.name, p.vo, p.endpoint, p.flavor, p.resources.cores, p.resources.ram_mb, p.max_vms, p.price)
        for p in inventory.pools.values()
    ]
    console.print(table("", columns, rows))


@app.command()
def load() -> None:
    """Load the inventory now, as the scheduler does each cycle; a broken one changes nothing."""
    from vmdirac_py.base.errors import BadInput
    from vmdirac_py.operations import revisions

    with opened() as ctx:
        refreshed = revisions.refresh(ctx, actor="cli")
    if refreshed.standing_error:
        raise BadInput(refreshed.standing_error, mend="the last good revision stays active")
    console.print("a new revision is active" if refreshed.changed else "nothing changed")


@app.command()
def keys(json: Json = False) -> None:
    """List the keys an inventory may use, with type, default and meaning."""
    from vmdirac_py.inventory.keys import KEYS

    if json:
        print_json(
            [
                {"key": k.name, "type": k.type.name, "default": k.default, "meaning": k.about.meaning}
                for k in KEYS.values()
            ]
        )
        return
    rows = [(key.name, key.type.name, key.default, key.about.meaning) for key in KEYS.values()]
    console.print(table("", ("KEY", "TYPE", "DEFAULT", "MEANING"), rows))
