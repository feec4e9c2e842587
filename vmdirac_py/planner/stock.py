"""The room of a VO's VMs: alike ones together, in the order in which they are filled."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import IntEnum
from math import inf
from typing import NamedTuple

from vmdirac_py.model.fit import Offer, side_by_side
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.resources import Resources

from .ends import floored, reach_of
from .groups import Group

Order = tuple[float | str | bool, ...]
Vms = list[int]
"""Positions in the snapshot's fleet; -1 for each VM that is only planned."""


class Phase(IntEnum):
    """How soon a VM takes jobs."""

    RUNNING = 0
    BOOTING = 1
    NEW = 2


class Key(NamedTuple):
    """What makes VMs alike. `made_at` is 0.0 for running ones, whose age does not matter; `reach` as in `ends.py`."""

    phase: Phase
    made_at: float
    pool: str
    total: Resources
    free: Resources
    empty: bool
    seconds_left: float
    reach: float


class Kind:
    """A key made ready for use. One object per key, compared by identity."""

    __slots__ = ("key", "offer", "order", "pool", "reach")

    def __init__(self, key: Key, pool: Pool, wanted: int) -> None:
        self.key, self.pool, self.reach = key, pool.name, key.reach
        self.offer = Offer(
            pool.vo, pool.site, key.total, key.free, key.empty, pool.tags, pool.platform, key.seconds_left
        )
        self.order = _order(key, pool, wanted)


def _order(key: Key, pool: Pool, wanted: int) -> Order:
    """Fill first what fewest other jobs could use, then what ends soonest, so that others become empty."""
    free = key.free
    rare = (wanted, free.gpus, len(pool.tags))
    worth = (-pool.priority, pool.price / max(1, pool.resources.cores), pool.resources.cores, pool.name)
    # Running VMs are filled up so that others become empty and end; booting ones in the order they were preferred.
    best = (free.cores, *worth) if key.phase is Phase.RUNNING else (*worth, free.cores)
    return (key.phase, key.made_at, *rare, key.empty, key.reach, *best, free.ram_mb, key.seconds_left)


class Placed(NamedTuple):
    """Jobs that went to VMs of one kind."""

    kind: Kind
    jobs: int


class Kinds:
    """Makes one `Kind` per key. `wanted`: how many groups of waiting jobs each pool could serve."""

    def __init__(self, pools: Mapping[str, Pool], wanted: Mapping[str, int]) -> None:
        self._pools, self._wanted = pools, wanted
        self._made: dict[Key, Kind] = {}

    def of(self, key: Key) -> Kind:
        """Return the kind of a key."""
        kind = self._made.get(key)
        if kind is None:
            kind = self._made[key] = Kind(key, self._pools[key.pool], self._wanted.get(key.pool, 0))
        return kind


class Stock:
    """The VMs of one VO with room. `reaches` is how far those that took jobs reach now, by position in the fleet."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._sorted: list[Kind] = []
        self._vms: dict[Kind, Vms] = {}
        self._hopeless: list[Group] = []
        self.reaches: dict[int, float] = {}

    def add(self, key: Key, vms: Vms) -> None:
        """Put VMs on; full ones are of no use and left out."""
        self._hopeless.clear()
        self._put(key, vms)

    def place(self, group: Group, jobs: int) -> list[Placed]:
        """Place up to `jobs` jobs of a group, best kinds first."""
        if not jobs or any(_needs_no_more(other, group) for other in self._hopeless):
            return []
        found, left = self._choose(group, jobs)
        for placed, per_vm in found:
            self._fill(placed, per_vm, group)
        if left:
            self._hopeless.append(group)
        return [placed for placed, _ in found]

    def _choose(self, group: Group, left: int) -> tuple[list[tuple[Placed, int]], int]:
        found: list[tuple[Placed, int]] = []
        for kind in self._sorted:
            if kind.reach < group.seconds or kind.pool not in group.places:
                continue
            per_vm = side_by_side(group.shape, kind.offer)
            if per_vm:
                jobs = min(left, per_vm * len(self._vms[kind]))
                found.append((Placed(kind, jobs), per_vm))
                left -= jobs
                if not left:
                    break
        return found, left

    def _fill(self, placed: Placed, per_vm: int, group: Group) -> None:
        kind, shape = placed.kind, group.shape
        vms, (full, rest) = self._take(kind), divmod(placed.jobs, per_vm)
        used = full + (rest > 0)
        self._put(kind.key, vms[used:])
        reach = max(0.0 if kind.key.empty else kind.reach, reach_of(group.seconds, kind.key.total.cores))
        for vm in vms[:used]:
            if vm >= 0:
                self.reaches[vm] = max(reach, 0.0 if kind.key.empty else self.reaches.get(vm, 0.0))
        self._put(_used(kind.key, shape, per_vm, reach), vms[:full])
        self._put(_used(kind.key, shape, rest, reach), vms[full:used])

    def _put(self, key: Key, vms: Vms) -> None:
        if not vms or key.free.cores <= 0:
            return
        kind = self._kinds.of(key)
        if kind not in self._vms:
            insort(self._sorted, kind, key=_order_of)
            self._vms[kind] = vms
        else:
            self._vms[kind] = sorted(self._vms[kind] + vms)

    def _take(self, kind: Kind) -> Vms:
        low = bisect_left(self._sorted, kind.order, key=_order_of)
        high = bisect_right(self._sorted, kind.order, lo=low, key=_order_of)
        del self._sorted[self._sorted.index(kind, low, high)]
        return self._vms.pop(kind)


def _order_of(kind: Kind) -> Order:
    return kind.order


def _needs_no_more(group: Group, other: Group) -> bool:
    """Tell whether whatever takes `other` would take `group` as well."""
    least, most = group.shape, other.shape
    return (
        group.seconds <= other.seconds
        and least.min_cores <= most.min_cores
        and least.ram_mb <= most.ram_mb
        and least.gpus <= most.gpus
        and least.disk_gb <= most.disk_gb
        and least.cpu_seconds <= most.cpu_seconds
        and least.whole_node <= most.whole_node
        and (group.places is other.places or group.places >= other.places)
    )


def _used(key: Key, shape: Shape, jobs: int, reach: float) -> Key:
    return key._replace(free=_left_over(shape, key.free, jobs), empty=False, reach=floored(reach))


def _left_over(shape: Shape, free: Resources, jobs: int) -> Resources:
    if shape.whole_node:
        return Resources()
    cores = jobs * max(1, shape.min_cores)
    return free - Resources(cores, jobs * shape.ram_mb, jobs * shape.gpus, jobs * shape.disk_gb)
