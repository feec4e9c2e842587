"""Placing groups of equal jobs on groups of alike VMs; never job by job.

A `Kind` is everything that makes VMs alike (pool, what is free, age group ...); a `Shelf` holds how many VMs of each
kind one VO has, in the order in which they are filled: running before booting before new, older requests before
younger ones, plain VMs before those with GPUs or tags, the fullest first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from vmdirac_py.lifecycle.states import BOOTING
from vmdirac_py.model.fit import Offer, misfit
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, VmState


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
    order: tuple[float | str | bool, ...]


Placed = list[tuple[Kind, int]]
"""How many jobs went to which kind."""


@dataclass(slots=True, eq=False)
class Group:
    """All queues of one VO and shape: what fits them is found out once. `sample` is one of them."""

    sample: TaskQueue
    per_vm: dict[Kind, int] = field(default_factory=dict)

    def on(self, kind: Kind) -> int:
        """Return how many of its jobs run side by side on one VM of a kind."""
        known = self.per_vm.get(kind)
        if known is None:
            known = self.per_vm[kind] = side_by_side(self.sample, kind.offer)
        return known


def side_by_side(queue: TaskQueue, offer: Offer) -> int:
    """Return how many jobs of a queue run at once on what is offered, each with its least need; 0: none fits."""
    if misfit(queue, offer):
        return 0
    return 1 if queue.shape.whole_node else min(_fold_counts(queue.shape, offer.free))


def _fold_counts(shape: Shape, free: Resources) -> list[int]:
    pairs = ((free.cores, max(1, shape.min_cores)), (free.ram_mb, shape.ram_mb), (free.gpus, shape.gpus))
    return [have // need for have, need in pairs if need]


def _left_over(shape: Shape, free: Resources, jobs: int) -> Resources:
    if shape.whole_node:
        return Resources()
    cores = jobs * max(1, shape.min_cores)
    return free - Resources(cores, jobs * shape.ram_mb, jobs * shape.gpus)


class Kinds:
    """Makes one `Kind` object per key."""

    def __init__(self, pools: dict[str, Pool]) -> None:
        self._pools = pools
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
        return Kind(key, pool, offer, _order(key, pool))


def _order(key: Key, pool: Pool) -> tuple[float | str | bool, ...]:
    free = key.free
    special = (free.gpus, len(pool.tags))
    worth = (-pool.priority, pool.price, pool.name)
    return (key.phase, key.made_at, *special, free.cores, *worth, free.ram_mb, key.empty, key.seconds_left)


class Shelf:
    """The VMs of one VO by kind, sorted."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._sorted: list[Kind] = []
        self._count: dict[Kind, int] = {}

    def add(self, key: Key, count: int) -> None:
        """Put VMs on the shelf; full ones are of no use and left out."""
        if count <= 0 or key.free.cores <= 0:
            return
        kind = self._kinds.of(key)
        if kind not in self._count:
            insort(self._sorted, kind, key=_order_of)
        self._count[kind] = self._count.get(kind, 0) + count

    def place(self, group: Group, jobs: int) -> Placed:
        """Place up to `jobs` jobs, best kinds first; return how many went to which kind."""
        found: Placed = []
        for kind in self._sorted:
            per_vm = group.on(kind)
            if per_vm:
                placed = min(jobs, per_vm * self._count[kind])
                found.append((kind, placed))
                jobs -= placed
                if not jobs:
                    break
        for kind, placed in found:
            self._fill(kind, placed, group)
        return found

    def _fill(self, kind: Kind, jobs: int, group: Group) -> None:
        per_vm, shape, count = group.on(kind), group.sample.shape, self._remove(kind)
        full, rest = divmod(jobs, per_vm)
        self.add(kind.key, count - full - (rest > 0))
        self.add(_used(kind.key, shape, per_vm), full)
        self.add(_used(kind.key, shape, rest), 1 if rest else 0)

    def _remove(self, kind: Kind) -> int:
        low = bisect_left(self._sorted, kind.order, key=_order_of)
        high = bisect_right(self._sorted, kind.order, lo=low, key=_order_of)
        del self._sorted[self._sorted.index(kind, low, high)]
        return self._count.pop(kind)


def _order_of(kind: Kind) -> tuple[float | str | bool, ...]:
    return kind.order


def _used(key: Key, shape: Shape, jobs: int) -> Key:
    return key._replace(free=_left_over(shape, key.free, jobs), empty=key.empty and not jobs)


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
        left = _floor(vm.created_at + pool.max_life - snapshot.at, steps)
        return Key(Phase.RUNNING, 0.0, pool.name, vm.resources, capacity.free, capacity.busy_slots == 0, left)
    if vm.state in BOOTING:
        return fresh(pool, vm.resources, Phase.BOOTING, vm.created_at)
    return None


def _floor(seconds: float, steps: Sequence[int]) -> float:
    """Round down to what some queue asks for: exact for every queue, and makes many VMs alike."""
    at = bisect_right(steps, seconds)
    return float(steps[at - 1]) if at else 0.0


def shelves(kinds: Kinds, pools: dict[str, Pool], keys: Iterable[tuple[Key, int]]) -> defaultdict[str, Shelf]:
    """Return a shelf per VO."""
    by_vo: defaultdict[str, Shelf] = defaultdict(lambda: Shelf(kinds))
    for key, count in keys:
        by_vo[pools[key.pool].vo].add(key, count)
    return by_vo
