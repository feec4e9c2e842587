"""The room of a VO's running VMs: alike ones together, in the order in which they are filled."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from math import inf
from typing import NamedTuple

from vmdirac_py.model.fit import side_by_side
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.resources import Resources

from .ends import floored, reach_of
from .groups import Group

Order = tuple[float | str | bool, ...]
Vms = list[int]
"""Positions in the snapshot's fleet."""


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

    made_at: float
    pool: str
    total: Resources
    free: Resources
    empty: bool
    seconds_left: float
    remaining: float


class Kind:
    """A key made ready for use. One object per key, compared by identity; an empty VM that runs reaches any length."""

    __slots__ = (
        "cores", "empty", "free", "free_cores", "key", "order", "pool", "reach", "remaining", "seconds_left",
    )  # fmt: skip

    def __init__(self, key: Key, pool: Pool, wanted: int) -> None:
        self.key, self.pool, self.cores = key, pool.name, key.total.cores
        self.free, self.free_cores, self.empty, self.seconds_left = (
            key.free,
            key.free.cores,
            key.empty,
            key.seconds_left,
        )
        self.remaining = key.remaining
        self.reach = inf if key.empty else reach_of(key.remaining, self.cores)
        self.order = _order(key, pool, wanted)

    def holds(self, shape: Shape) -> int:
        """Return how many jobs of a shape run side by side on one such VM."""
        return side_by_side(shape, self.free, empty=self.empty, seconds_left=self.seconds_left)

    def prolonged(self, seconds: float) -> tuple[bool, float]:
        """Return the core-seconds by which a job prolongs its life; an idle VM would rather end."""
        return self.empty, self.cores * (seconds - self.remaining)


def _order(key: Key, pool: Pool, wanted: int) -> Order:
    """Fill first what fewest other jobs could use, then what is oldest and fullest, so that others become empty."""
    free = key.free
    worth = (-pool.priority, pool.price / max(1, pool.resources.cores), pool.resources.cores, pool.name)
    rare = (wanted, free.gpus, len(pool.tags))
    return (*rare, key.made_at, free.cores, *worth, free.ram_mb, key.empty, key.seconds_left, key.remaining)


Candidates = Callable[[Group, int], Iterable["Kind"]]
"""Which kinds so many jobs of a group may go to, best first."""


class Placed(NamedTuple):
    """Jobs that went to VMs of one kind, so many side by side."""

    kind: Kind
    jobs: int
    per_vm: int


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
    """The running VMs of one VO with room.

    `reopened` are those that were given jobs beyond their reach, by position in the fleet: how long those run.
    """

    def __init__(self, kinds: Kinds, vms: Mapping[Key, Vms]) -> None:
        self._kinds = kinds
        self._vms = {kinds.of(key): list(found) for key, found in vms.items() if key.free.cores > 0}
        self._sorted = sorted(self._vms, key=_order_of)
        self._hopeless: list[Group] = []
        self._crowded: list[Group] = []
        self.reopened: dict[int, float] = {}

    def place(self, group: Group) -> int:
        """Place as many jobs of a group as there is room for, best kinds first; return how many."""
        left = self._place(group, self._in_turn, self._hopeless, group.jobs)
        if left and group.may_reopen:
            left = self._place(group, self._reopened, self._crowded, left)
        return group.jobs - left

    def _place(self, group: Group, kinds: Candidates, beaten: list[Group], left: int) -> int:
        """Place jobs on these kinds; return how many are left. Whoever leaves some beats those that need no less."""
        if not self._sorted or any(_needs_no_more(other, group) for other in beaten):
            return left
        found, left = self._choose(group, kinds(group, left), left)
        for placed in found:
            self._fill(placed, group)
        if left and (kinds == self._in_turn or not self._room_for(group)):
            beaten[:] = [other for other in beaten if not _needs_no_more(group, other)]
            beaten.append(group)
        return left

    def _room_for(self, group: Group) -> bool:
        cores, places, shape = group.shape.min_cores, group.places, group.shape
        able = [kind for kind in self._sorted if kind.free_cores >= cores and kind.pool in places]
        return any(kind.holds(shape) for kind in able)

    def _choose(self, group: Group, kinds: Iterable[Kind], left: int) -> tuple[list[Placed], int]:
        found: list[Placed] = []
        for kind in kinds:
            per_vm = kind.holds(group.shape)
            if per_vm:
                jobs = min(left, per_vm * len(self._vms[kind]))
                found.append(Placed(kind, jobs, per_vm))
                left -= jobs
                if not left:
                    break
        return found, left

    def _in_turn(self, group: Group, _jobs: int) -> Iterator[Kind]:
        """Yield kinds that a group reaches: those it does not prolong, then those it prolongs least."""
        longer: list[Kind] = []
        seconds, places, cores = group.seconds, group.places, group.shape.min_cores
        for kind in self._sorted:
            if kind.free_cores < cores or kind.reach < seconds or kind.pool not in places:
                continue
            if kind.remaining < seconds:
                longer.append(kind)
            else:
                yield kind
        yield from sorted(longer, key=lambda one: one.prolonged(seconds))

    def _reopened(self, group: Group, jobs: int) -> Iterator[Kind]:
        """Yield kinds beyond their reach where jobs in company still cost less than on a new VM, cheapest first."""
        limit = inf if group.waited_long else group.cost_of_new(jobs)
        beyond = [kind for kind in self._sorted if kind.reach < group.seconds and kind.pool in group.places]
        costs = [(kind.prolonged(group.seconds)[1] / min(jobs, kind.holds(group.shape) or 1), kind) for kind in beyond]
        yield from (kind for cost, kind in sorted(costs, key=_cost_of) if cost < limit)

    def _fill(self, placed: Placed, group: Group) -> None:
        kind, shape, per_vm = placed.kind, group.shape, placed.per_vm
        vms, (full, rest) = self._take(kind), divmod(placed.jobs, per_vm)
        used = full + (rest > 0)
        self._put(kind.key, vms[used:])
        if group.seconds > kind.reach:
            self.reopened.update(dict.fromkeys(vms[:used], group.seconds))
        left = floored(max(group.seconds, kind.remaining))
        self._put_used(kind, shape, per_vm, left, vms[:full])
        self._put_used(kind, shape, rest, left, vms[full:used])

    def _put_used(self, kind: Kind, shape: Shape, jobs: int, remaining: float, vms: Vms) -> None:
        cores = kind.free_cores - jobs * max(1, shape.min_cores)
        if vms and cores > 0 and not shape.whole_node:
            free, key = kind.free, kind.key
            left = Resources(
                cores, free.ram_mb - jobs * shape.ram_mb, free.gpus - jobs * shape.gpus,
                free.disk_gb - jobs * shape.disk_gb,
            )  # fmt: skip
            key = Key(key.made_at, key.pool, key.total, left, False, key.seconds_left, remaining)
            self._put(key, vms)

    def _put(self, key: Key, vms: Vms) -> None:
        if not vms:
            return
        kind = self._kinds.of(key)
        if kind not in self._vms:
            insort(self._sorted, kind, key=_order_of)
            self._vms[kind] = vms
        else:
            self._vms[kind] = self._vms[kind] + vms

    def _take(self, kind: Kind) -> Vms:
        at = bisect_left(self._sorted, kind.order, key=_order_of)
        while self._sorted[at] is not kind:
            at += 1
        del self._sorted[at]
        return self._vms.pop(kind)


def _cost_of(one: tuple[float, Kind]) -> float:
    return one[0]


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
