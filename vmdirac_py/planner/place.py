"""Placing groups of equal jobs on groups of alike VMs; never job by job."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.resources import Resources

from .groups import Group
from .kinds import Key, Kind, Kinds, Order

Placed = list[tuple[Kind, int]]
"""How many jobs went to which kind."""


class Shelf:
    """How many VMs of each kind one VO has, in the order in which they are filled."""

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
        if full:
            self.add(_used(kind.key, shape, per_vm), full)
        if rest:
            self.add(_used(kind.key, shape, rest), 1)

    def _remove(self, kind: Kind) -> int:
        low = bisect_left(self._sorted, kind.order, key=_order_of)
        high = bisect_right(self._sorted, kind.order, lo=low, key=_order_of)
        del self._sorted[self._sorted.index(kind, low, high)]
        return self._count.pop(kind)


def _order_of(kind: Kind) -> Order:
    return kind.order


def _used(key: Key, shape: Shape, jobs: int) -> Key:
    return key._replace(free=_left_over(shape, key.free, jobs), empty=False)


def _left_over(shape: Shape, free: Resources, jobs: int) -> Resources:
    if shape.whole_node:
        return Resources()
    cores = jobs * max(1, shape.min_cores)
    return free - Resources(cores, jobs * shape.ram_mb, jobs * shape.gpus, jobs * shape.disk_gb)


def shelves(kinds: Kinds, pools: Mapping[str, Pool], keys: Iterable[tuple[Key, int]]) -> defaultdict[str, Shelf]:
    """Return a shelf per VO."""
    by_vo: defaultdict[str, Shelf] = defaultdict(lambda: Shelf(kinds))
    for key, count in keys:
        by_vo[pools[key.pool].vo].add(key, count)
    return by_vo
