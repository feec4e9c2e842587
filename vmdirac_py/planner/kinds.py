"""What makes VMs alike, and the fleet grouped by it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from vmdirac_py.lifecycle.states import BOOTING
from vmdirac_py.model.fit import Offer, norm_seconds
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, VmState

Order = tuple[float | str | bool, ...]


class Phase(IntEnum):
    """How soon a VM takes jobs."""

    RUNNING = 0
    BOOTING = 1
    NEW = 2


class Key(NamedTuple):
    """What makes VMs alike. `made_at` is 0.0 for running VMs, whose age does not matter."""

    phase: Phase
    made_at: float
    pool: str
    total: Resources
    free: Resources
    empty: bool
    seconds_left: float


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A key made ready for use: its offer and its place on the shelf. One object per key, compared by identity."""

    key: Key
    pool: Pool
    offer: Offer
    order: Order


class Kinds:
    """Makes one `Kind` object per key. `wanted`: how many kinds of waiting jobs each pool could serve."""

    def __init__(self, pools: Mapping[str, Pool], wanted: Mapping[str, int]) -> None:
        self._pools, self._wanted = pools, wanted
        self._made: dict[Key, Kind] = {}

    def of(self, key: Key) -> Kind:
        """Return the kind of a key."""
        kind = self._made.get(key)
        if kind is None:
            kind = self._made[key] = self._make(key)
        return kind

    def _make(self, key: Key) -> Kind:
        pool = self._pools[key.pool]
        offer = Offer(pool.vo, pool.site, key.total, key.free, key.empty, pool.tags, pool.platform, key.seconds_left)
        return Kind(key, pool, offer, _order(key, pool, self._wanted.get(pool.name, 0)))


def _order(key: Key, pool: Pool, wanted: int) -> Order:
    """Fill first what fewest other jobs could use, so that a job with many choices leaves the rare VM to others."""
    free = key.free
    rare = (wanted, free.gpus, len(pool.tags))
    worth = (-pool.priority, pool.price / max(1, pool.resources.cores), pool.resources.cores, pool.name)
    # Running VMs are filled up so that others become empty and end; booting ones in the order they were preferred.
    best = (free.cores, *worth) if key.phase is Phase.RUNNING else (*worth, free.cores)
    return (key.phase, key.made_at, *rare, *best, free.ram_mb, key.empty, key.seconds_left)


def fresh(pool: Pool, total: Resources, phase: Phase, at: float) -> Key:
    """Return the key of VMs of a pool that were asked for at `at` and run nothing yet."""
    return Key(phase, at, pool.name, total, free=total, empty=True, seconds_left=Offer.of_pool(pool).seconds_left)


def capacity_keys(snapshot: Snapshot, leaving: frozenset[str]) -> dict[Key, int]:
    """Return how many VMs of the fleet there are by key, without those that are leaving or take no jobs."""
    steps = sorted({queue.shape.cpu_seconds for queue in snapshot.demand.queues})
    keys: defaultdict[Key, int] = defaultdict(int)
    for capacity in snapshot.fleet:
        key = None if capacity.vm.id in leaving else _key(capacity, snapshot, steps)
        if key:
            keys[key] += 1
    return keys


def _key(capacity: Capacity, snapshot: Snapshot, steps: Sequence[int]) -> Key | None:
    vm = capacity.vm
    pool = snapshot.inventory.pools.get(vm.pool)
    if pool is None or pool.vo != vm.vo:
        return None
    if vm.state is VmState.RUNNING:
        left = _floor(norm_seconds(vm.created_at + pool.max_life - snapshot.at, pool), steps)
        return Key(Phase.RUNNING, 0.0, pool.name, vm.resources, capacity.free, capacity.busy_slots == 0, left)
    if vm.state in BOOTING:
        return fresh(pool, vm.resources, Phase.BOOTING, vm.created_at)
    return None


def _floor(seconds: float, steps: Sequence[int]) -> float:
    """Round down to what some queue asks for: exact for every queue, and makes many VMs alike."""
    at = bisect_right(steps, seconds)
    return float(steps[at - 1]) if at else 0.0
