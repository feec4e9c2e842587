"""Pools that launch nothing now whatever waits: outside of their campaign, or started by people alone."""

from __future__ import annotations

from vmdirac_py.model.inventory import MANUAL, Pool
from vmdirac_py.model.reason import Reason

from .limit import Limit, Room
from .world import World


def of_windows(world: World) -> Room:
    """Campaign windows and manual pools."""
    shut = ((name, closed(pool, world.at)) for name, pool in world.inventory.pools.items())
    return {name: [Limit(0, by_core=False, reason=reason)] for name, reason in shut if reason}


def closed(pool: Pool, at: float) -> Reason | None:
    """Return why a pool launches nothing at a time, or None."""
    if pool.mode == MANUAL:
        return Reason.of("pool.manual", pool=pool.name)
    if pool.campaign_start is not None and at < pool.campaign_start:
        return Reason.of("campaign.not_yet", pool=pool.name, until=int(pool.campaign_start))
    if pool.campaign_end is not None and at >= pool.campaign_end:
        return Reason.of("campaign.over", pool=pool.name, since=int(pool.campaign_end))
    return None
