"""The new VMs so far: what they hold, what still fits into them, and what the bounds still let through."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .knapsack import Size
from .world import World

HOLES = 16
"""So many kinds of partly used VMs are kept in mind for the jobs that come next, the emptiest of them."""

NO_LIMIT = 10**9

Jobs = tuple[tuple[int, int], ...]
"""How many jobs of which wants."""


class Opened(NamedTuple):
    """VMs of one machine that hold the same jobs; `free` is what is left of each."""

    machine: int
    free: Size
    jobs: Jobs


class Fleet:
    """New VMs by kind, jobs still `waiting` by want, what is `left` of each bound; `shut` machines have no room."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.waiting = [want.jobs for want in world.wants]
        self.left = list(world.bounds)
        self.shut: set[int] = set()
        self.opened: dict[Opened, int] = {}
        self._holes: list[Opened] = []

    def copy(self) -> Fleet:
        """Return another one that may go another way."""
        other = Fleet(self.world)
        other.waiting, other.left = self.waiting.copy(), self.left.copy()
        other.shut = self.shut.copy()
        other.opened, other._holes = self.opened.copy(), self._holes.copy()
        return other

    @property
    def cost(self) -> float:
        """Return what all new VMs and all waiting jobs count."""
        waiting = sum(count * value for count, value in zip(self.waiting, self.world.values, strict=True))
        return waiting + sum(count * self.world.prices[one.machine] for one, count in self.opened.items())

    def waiting_by_rank(self) -> list[float]:
        """Return what waiting jobs count, highest rank first."""
        counts = defaultdict[float, float](float)
        for want, jobs, value in zip(self.world.wants, self.waiting, self.world.values, strict=True):
            counts[want.rank] += jobs * value
        return list(counts.values())

    def room(self, machine: int) -> int:
        """Return how many more VMs of a machine the bounds let through."""
        if machine in self.shut:
            return 0
        room = min([self.left[at] // use for at, use in self.world.uses[machine]], default=NO_LIMIT)
        if room <= 0:
            self.shut.add(machine)
        return max(0, room)

    def binding(self) -> frozenset[int]:
        """Return the bounds that keep jobs waiting."""
        world = self.world
        wished = {machine for fits, jobs in zip(world.fits, self.waiting, strict=True) if jobs for machine in fits}
        return frozenset(at for machine in wished for at, use in world.uses[machine] if self.left[at] < use)

    def open(self, machine: int, jobs: Jobs, count: int) -> None:
        """Add VMs that hold these jobs, which wait no longer."""
        for at, use in self.world.uses[machine]:
            self.left[at] -= use * count
        self._put(Opened(machine, self.world.sizes[machine], ()), jobs, count)

    def close(self, opened: Opened) -> None:
        """Take one VM back; its jobs wait again."""
        self.shut.clear()
        for at, use in self.world.uses[opened.machine]:
            self.left[at] += use
        for want, jobs in opened.jobs:
            self.waiting[want] += jobs
        self._take(opened, 1)

    def fill(self, want: int) -> None:
        """Put waiting jobs into VMs that have room for them, the fullest first."""
        if self.world.wants[want].whole_node:
            return
        fits, need = self.world.fits[want], self.world.needs[want]
        for hole in [hole for hole in self._holes if hole.free[0] >= need[0] and hole.machine in fits]:
            waiting, most = self.waiting[want], _side_by_side(need, hole.free)
            if waiting and most:
                self._fill(hole, want, min(waiting, most * self.opened[hole]), most)

    def _fill(self, hole: Opened, want: int, jobs: int, most: int) -> None:
        full, rest = divmod(jobs, most)
        self._take(hole, full + (rest > 0))
        if full:
            self._put(hole, ((want, most),), full)
        if rest:
            self._put(hole, ((want, rest),), 1)

    def _take(self, hole: Opened, count: int) -> None:
        self.opened[hole] -= count
        if not self.opened[hole]:
            del self.opened[hole]
            if hole in self._holes:
                self._holes.remove(hole)

    def _put(self, base: Opened, jobs: Jobs, count: int) -> None:
        world, held, free = self.world, dict(base.jobs), base.free
        for want, number in jobs:
            self.waiting[want] -= number * count
            held[want] = held.get(want, 0) + number
            need = free if world.wants[want].whole_node else [number * part for part in world.needs[want]]
            free = tuple([have - part for have, part in zip(free, need, strict=True)])
        made = Opened(base.machine, free, tuple(sorted(held.items())))
        if made not in self.opened and any(free):
            self._remember(made)
        self.opened[made] = self.opened.get(made, 0) + count

    def _remember(self, hole: Opened) -> None:
        insort(self._holes, hole, key=_order)
        del self._holes[:-HOLES]


def _order(hole: Opened) -> tuple[Size, int, Jobs]:
    return hole.free, hole.machine, hole.jobs


def _side_by_side(need: Iterable[int], free: Size) -> int:
    return min([have // part for have, part in zip(free, need, strict=True) if part])
