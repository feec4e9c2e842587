"""A trace's VOs and an inventory's: who has no pool, and pools for them that are like those of another VO."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from msgspec.structs import replace

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.inventory import Inventory, Pool

from .api import Trace


def without_pools(trace: Trace, inventory: Inventory) -> Mapping[str, int]:
    """Return the VOs of a trace that have no pool, each with its number of jobs, most jobs first."""
    served = {pool.vo for pool in inventory.pools.values()}
    return dict(Counter(job.vo for job in trace.jobs if job.vo not in served).most_common())


def with_pools(inventory: Inventory, vos: Collection[str], *, like: str) -> Inventory:
    """Return the inventory with copies of the pools (named `VO/POOL`) and limits of VO `like` for each of these VOs.

    Raises:
        BadInput: VO `like` has no pool.
    """
    models = [pool for pool in inventory.pools.values() if pool.vo == like]
    if not models:
        served = ", ".join(sorted({pool.vo for pool in inventory.pools.values()}))
        raise BadInput("this VO has no pool to copy", where=like, mend=f"name one of: {served}")
    made_vos = {vo: replace(inventory.vos[like], name=vo, groups=()) for vo in vos}
    made_pools = {pool.name: pool for vo in vos for pool in _copies(models, vo)}
    return replace(inventory, vos={**inventory.vos, **made_vos}, pools={**inventory.pools, **made_pools})


def _copies(models: Collection[Pool], vo: str) -> Iterator[Pool]:
    return (replace(pool, name=f"{vo}/{pool.name}", vo=vo) for pool in models)
