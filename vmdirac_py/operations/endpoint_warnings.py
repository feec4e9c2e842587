"""What of an inventory is allowed but unwise: told in every cycle, and as an event of its endpoint when it is news."""

from __future__ import annotations

from vmdirac_py.clouds.registry import warnings_of
from vmdirac_py.model.inner_ce import unwise
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.reports.status import WARNINGS

from .api import Context

ALARM = "alarm.endpoint"


def found_in(inventory: Inventory) -> dict[str, list[str]]:
    """Return the warnings of each endpoint that earns any."""
    told = {name: list(warnings_of(endpoint)) for name, endpoint in sorted(inventory.endpoints.items())}
    for pool in inventory.pools.values():
        told[pool.endpoint] += unwise(pool, inventory.endpoints[pool.endpoint])
    return {name: warnings for name, warnings in told.items() if warnings}


def tell(ctx: Context, *, actor: str) -> list[str]:
    """Return the warnings of the active inventory; those that are new become an event of their endpoint."""
    current = found_in(ctx.inventory())
    with ctx.ledger.read() as tx:
        before = tx.documents.load(WARNINGS) or {}
    if current != before:
        _note(ctx, current, before, actor)
    return [warning for warnings in current.values() for warning in warnings]


def _note(ctx: Context, current: dict[str, list[str]], before: dict[str, list[str]], actor: str) -> None:
    with ctx.ledger.write() as tx:
        tx.documents.save(WARNINGS, current)
        for name, warnings in current.items():
            if warnings != before.get(name):
                tx.events.append(ALARM, subject=name, actor=actor, data={"warnings": warnings})
