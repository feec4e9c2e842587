"""The room of a VO's VMs: alike ones together, in the order in which they are filled."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
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
    """What makes VMs alike.

    `made_at` tells the order in which they were made; `remaining` for how many seconds their jobs are expected to run
    on, or what they were launched for shall run.
    """

    phase: Phase
    made_at: float
    pool: str
    total: Resources
    free: Resources
    empty: bool
    seconds_left: float
    remaining: float


class Kind:
    """A key made ready for use. One object per key, compared by identity; an empty VM that runs reaches any length."""

    __slots__ = ("cores", "empty", "key", "offer", "order", "phase", "pool", "reach", "remaining")

    def __init__(self, key: Key, pool: Pool, wanted: int) -> None:
        self.key, self.pool, self.phase, self.cores = key, pool.name, key.phase, key.total.cores
        self.remaining, self.empty = key.remaining, key.empty and key.phase is Phase.RUNNING
        self.reach = inf if self.empty else reach_of(key.remaining, self.cores)
        self.offer = Offer(
            pool.vo, pool.site, key.total, key.free, key.empty, pool.tags, pool.platform, key.seconds_left
        )
        self.order = _order(key, pool, wanted)

    def prolonged(self, seconds: float) -> tuple[bool, float]:
        """Return the core-seconds by which a job prolongs its life; an empty VM would rather end."""
        return self.empty, self.cores * (seconds - self.remaining)


def _order(key: Key, pool: Pool, wanted: int) -> Order:
    """Fill first what fewest other jobs could use, then what is oldest and fullest, so that others become empty."""
    free = key.free
    rare = (wanted, free.gpus, len(pool.tags))
    worth = (-pool.priority, pool.price / max(1, pool.resources.cores), pool.resources.cores, pool.name)
    # Running VMs are filled up so that others become empty and end; booting ones in the order they were preferred.
    best = (free.cores, *worth) if key.phase is Phase.RUNNING else (key.remaining, *worth, free.cores)
    return (key.phase, *rare, key.made_at, *best, free.ram_mb, key.empty, key.seconds_left, key.remaining)


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
    """The VMs of one VO with room. `remaining` is for how long those of the fleet will run, by position there."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._sorted: list[Kind] = []
        self._vms: dict[Kind, Vms] = {}
        self._hopeless: list[Group] = []
        self.remaining: dict[int, float] = {}

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
        for kind in self._in_turn(group):
            per_vm = side_by_side(group.shape, kind.offer)
            if per_vm:
                jobs = min(left, per_vm * len(self._vms[kind]))
                found.append((Placed(kind, jobs), per_vm))
                left -= jobs
                if not left:
                    break
        return found, left

    def _in_turn(self, group: Group) -> Iterator[Kind]:
        """Yield kinds that a group reaches: running ones it does not prolong, those it prolongs least, then others."""
        longer: list[Kind] = []
        seconds, places = group.seconds, group.places
        running = True
        for kind in self._sorted:
            if kind.pool not in places or kind.reach < seconds:
                continue
            if running and kind.phase is not Phase.RUNNING:
                running = False
                yield from sorted(longer, key=lambda one: one.prolonged(seconds))
            if running and kind.remaining < seconds:
                longer.append(kind)
            else:
                yield kind
        if running:
            yield from sorted(longer, key=lambda one: one.prolonged(seconds))

    def _fill(self, placed: Placed, per_vm: int, group: Group) -> None:
        kind, shape = placed.kind, group.shape
        vms, (full, rest) = self._take(kind), divmod(placed.jobs, per_vm)
        used = full + (rest > 0)
        self._put(kind.key, vms[used:])
        for vm in vms[:used]:
            if vm >= 0:
                self.remaining[vm] = max(group.seconds, self.remaining.get(vm, 0.0))
        left = max(group.seconds, kind.remaining)
        self._put(_used(kind.key, shape, per_vm, left), vms[:full])
        self._put(_used(kind.key, shape, rest, left), vms[full:used])

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


def _used(key: Key, shape: Shape, jobs: int, remaining: float) -> Key:
    return key._replace(free=_left_over(shape, key.free, jobs), empty=False, remaining=floored(remaining))


def _left_over(shape: Shape, free: Resources, jobs: int) -> Resources:
    if shape.whole_node:
        return Resources()
    cores = jobs * max(1, shape.min_cores)
    return free - Resources(cores, jobs * shape.ram_mb, jobs * shape.gpus, jobs * shape.disk_gb)
