"""For how long what happens may be gathered before a plan looks at it."""

from __future__ import annotations

from vmdirac_py.lifecycle.states import ALIVE
from vmdirac_py.planner import cadence

from . import memory
from .api import Context


def patience(ctx: Context) -> float:
    """Return the seconds, by the pools of the VOs with waiting jobs; 0.0 while one of them has no VM at all."""
    with ctx.ledger.read() as tx:
        waiting, living, inventory = tx.jobs.waiting_vos(), tx.vms.vos(ALIVE), tx.revisions.active()
        remembered = memory.load(tx)
    pools = [pool for pool in inventory.pools.values() if pool.vo in waiting] if inventory else []
    return cadence.patience(map(remembered.boot_seconds, pools)) if {pool.vo for pool in pools} <= living else 0.0
