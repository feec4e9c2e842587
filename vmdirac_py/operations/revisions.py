"""The inventory's way into the ledger: loaded when its content changed, kept when it is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vmdirac_py.base.errors import BadInput, VmdiracError
from vmdirac_py.clouds.registry import problems_of
from vmdirac_py.inventory.load import commit, fingerprint, load
from vmdirac_py.model.inventory import Inventory

from .api import Context


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Whether a new revision became active, or what is wrong with the tree (then the last good one stays)."""

    changed: bool
    fingerprint: str
    error: str = ""


def inventory_path(ctx: Context) -> Path:
    """Return where the inventory lies; a relative setting is relative to the home."""
    return (ctx.home.root / ctx.settings.inventory).resolve()


def check(path: Path) -> Inventory:
    """Load and validate an inventory, drivers' options included.

    Raises:
        BadInput: with every problem found, each naming file and key.
    """
    inventory = load(path)
    found = driver_problems(inventory)
    if found:
        raise BadInput("; ".join(found), where=str(path))
    return inventory


def driver_problems(inventory: Inventory) -> list[str]:
    """Return what the drivers find wrong with their endpoints' and pools' options."""
    found: list[str] = []
    for endpoint in inventory.endpoints.values():
        pools = [pool for pool in inventory.pools.values() if pool.endpoint == endpoint.name]
        found.extend(problems_of(endpoint, pools))
    return found


def refresh(ctx: Context, *, actor: str = "scheduler") -> Refreshed:
    """Activate the inventory's present content if it differs from the active revision and is sound."""
    path = inventory_path(ctx)
    active = _active(ctx)
    try:
        content = fingerprint(path)
        if active and content in {active.fingerprint, _refused(ctx)}:
            return Refreshed(changed=False, fingerprint=active.fingerprint)
        inventory = check(path)
    except VmdiracError as error:
        if active is None:
            raise
        _note_broken(ctx, path, str(error), actor)
        return Refreshed(changed=False, fingerprint=active.fingerprint, error=str(error))
    return _activate(ctx, inventory, path, actor)


def _active(ctx: Context) -> Inventory | None:
    with ctx.ledger.read() as tx:
        return tx.revisions.active()


def _refused(ctx: Context) -> str:
    with ctx.ledger.read() as tx:
        return str(tx.documents.load("inventory.refused") or "")


def _note_broken(ctx: Context, path: Path, text: str, actor: str) -> None:
    with ctx.ledger.write() as tx:
        tx.documents.save("inventory.refused", fingerprint(path) if path.exists() else "")
        tx.events.append("alarm.inventory", subject=str(path), actor=actor, data={"error": text})


def _activate(ctx: Context, inventory: Inventory, path: Path, actor: str) -> Refreshed:
    with ctx.ledger.write() as tx:
        tx.revisions.add(inventory)
        tx.documents.save("inventory.refused", "")
        data: dict[str, Sequence[str] | str] = {"commit": commit(path), "pools": sorted(inventory.pools)}
        tx.events.append("inventory.changed", subject=inventory.fingerprint, actor=actor, data=data)
    return Refreshed(changed=True, fingerprint=inventory.fingerprint)
