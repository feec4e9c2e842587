"""VMs a pool shall have whatever waits: kept, always, or empty and ahead of demand, by its mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from vmdirac_py.lifecycle.states import ALIVE
from vmdirac_py.model.inventory import STATIC, WARM, Pool
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity

from .limits import Limits


def minimums(snapshot: Snapshot, limits: Callable[[], Limits], leaving: frozenset[str]) -> dict[str, int]:
    """Return the VMs to launch so that every pool has what its mode asks for, off the limits (made when needed)."""
    if not any(map(_wanted, snapshot.inventory.pools.values())):
        return {}
    staying = [one for one in snapshot.fleet if one.vm.state in ALIVE and one.vm.id not in leaving]
    short = _shortfalls(snapshot.inventory.pools.values(), _by_pool(staying), _by_pool(filter(_empty, staying)))
    return {pool.name: count for pool, missing in short if (count := limits().take(pool, missing))}


def minimum_reason(pool: Pool) -> Reason:
    """Return why a pool has VMs although nothing waits."""
    if pool.mode == STATIC:
        return Reason.of("launch.static", max=pool.max_vms or 0)
    return Reason.of("launch.warm" if pool.mode == WARM else "launch.minimum", min=pool.min_vms)


def stays(pool: Pool, *, living: int, empty: int, age: float) -> bool:
    """Tell whether an idle VM stays: it is younger than its minimum life, or its pool would miss it.

    Args:
        pool: its pool.
        living: how many living VMs the pool has, this one among them.
        empty: how many of those run nothing.
        age: seconds since the VM was asked for.
    """
    return age < pool.min_life or (empty if pool.mode == WARM else living) <= _wanted(pool)


def _empty(capacity: Capacity) -> bool:
    return not capacity.busy_slots and not capacity.runs


def _by_pool(fleet: Iterable[Capacity]) -> Counter[str]:
    return Counter(capacity.vm.pool for capacity in fleet)


def _shortfalls(pools: Iterable[Pool], alive: Mapping[str, int], empty: Mapping[str, int]) -> list[tuple[Pool, int]]:
    missing = [(pool, _wanted(pool) - (empty if pool.mode == WARM else alive).get(pool.name, 0)) for pool in pools]
    short = [(pool, count) for pool, count in missing if count > 0]
    return sorted(short, key=lambda one: (-one[0].priority, one[0].name))


def _wanted(pool: Pool) -> int:
    return pool.max_vms or 0 if pool.mode == STATIC else pool.min_vms
