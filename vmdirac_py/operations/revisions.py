"""The inventory's way into the ledger: loaded when its content changed, kept when it is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vmdirac_py.base.errors import BadInput, Conflict, VmdiracError
from vmdirac_py.clouds.registry import problems_of
from vmdirac_py.inventory.load import fingerprint, load
from vmdirac_py.model.inventory import Inventory

from .api import Context
from .listings import LIVE

REFUSED = "inventory.refused"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Whether a new revision became active, or what is wrong with the tree (then the last good one stays).

    `error` says it when it is news, `standing_error` as long as it is so.
    """

    changed: bool
    fingerprint: str
    error: str = ""
    standing_error: str = ""


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
    """Activate the inventory's present content if it differs from the active revision and is sound.

    A broken tree leaves the last good revision active and is told once, not again until it or its error changes.

    Raises:
        BadInput, Unusable: it is broken or cannot be read, and there is no good revision yet.
    """
    path = inventory_path(ctx)
    with ctx.ledger.read() as tx:
        active, refused = tx.revisions.active(), tx.documents.load(REFUSED)
    content = fingerprint(path)
    if active and content == active.fingerprint:
        _forget(ctx, refused)
        return Refreshed(changed=False, fingerprint=active.fingerprint)
    if active and refused and content == refused["fingerprint"]:
        return Refreshed(changed=False, fingerprint=active.fingerprint, standing_error=refused["error"])
    try:
        inventory = check(path)
        _check_departures(ctx, inventory, active)
    except VmdiracError as error:
        if active is None:
            raise
        # Only the tree itself is not read again: what this machine lacks may be there next time.
        found = {"fingerprint": content if isinstance(error, BadInput) else "", "error": str(error)}
        news = str(error) if found != refused else ""
        if news:
            _note_broken(ctx, path, found, actor)
        return Refreshed(changed=False, fingerprint=active.fingerprint, error=news, standing_error=str(error))
    return _activate(ctx, inventory, actor)


def _check_departures(ctx: Context, inventory: Inventory, active: Inventory | None) -> None:
    """Raise Conflict when an endpoint leaves that still has VMs: nobody could list or terminate them any more."""
    for name in set(active.endpoints if active else ()) - set(inventory.endpoints):
        with ctx.ledger.read() as tx:
            living = tx.vms.in_states(LIVE, endpoint=name)
        if living:
            raise Conflict(
                f"endpoint {name} leaves the inventory but still has {len(living)} VMs",
                where=inventory.source,
                mend="set its endpoint_max_vms to 0 and wait until they are gone, or `vmdirac vm halt` them",
            )


def _forget(ctx: Context, refused: object) -> None:
    if refused:
        with ctx.ledger.write() as tx:
            tx.documents.save(REFUSED, None)


def _note_broken(ctx: Context, path: Path, found: Mapping[str, str], actor: str) -> None:
    with ctx.ledger.write() as tx:
        tx.documents.save(REFUSED, found)
        tx.events.append("alarm.inventory", subject=str(path), actor=actor, data={"error": found["error"]})


def _activate(ctx: Context, inventory: Inventory, actor: str) -> Refreshed:
    with ctx.ledger.write() as tx:
        tx.revisions.add(inventory)
        tx.documents.save(REFUSED, None)
        data = {"commit": inventory.commit, "pools": sorted(inventory.pools)}
        tx.events.append("inventory.changed", subject=inventory.fingerprint, actor=actor, data=data)
    return Refreshed(changed=True, fingerprint=inventory.fingerprint)
