"""What jobs without room may be put on: VMs that boot, VMs a plan has just decided upon, and new ones of each pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from vmdirac_py.model.fit import Empty, takers
from vmdirac_py.model.inventory import Pool

from .ends import reach_of
from .groups import Group
from .lifetable import bin_of
from .limits import Limits
from .stock import Key


class Spot(NamedTuple):
    """Alike empty VMs: `vms` of them are on their way (`key`), `booting` of these already; new ones without a key."""

    name: str
    pool: Pool
    key: Key | None = None
    vms: int = 0
    booting: int = 0

    def soon(self, taken: int, count: int) -> int:
        """Return how many of `count` VMs boot already when `taken` others have jobs: those that boot come first."""
        return max(0, min(count, self.booting - taken))


class Coming(NamedTuple):
    """VMs on their way: their pool, what is known of one, and how long a job may run there (seconds)."""

    pool: str
    empty: Empty
    reach: float


Fits = tuple[tuple[Spot, int], ...]


class Spots:
    """All spots of all VOs; what fits a group is found out once per kind of job."""

    def __init__(self, pools: Mapping[str, Pool], limits: Limits, booting: Mapping[str, Mapping[Key, int]]) -> None:
        self._pools, self._limits = pools, limits
        self._booting = booting
        self._coming = {vo: _coming(pools, found, found) for vo, found in booting.items()}
        self._takers: dict[tuple[str, int, int], tuple[tuple[Spot, int], ...]] = {}
        self._new: dict[str, Spot | None] = {}
        self._fresh: dict[int, Fits] = {}
        self._known: dict[tuple[int, ...], Fits] = {}

    def plan(self, vo: str, planned: Mapping[Key, int]) -> None:
        """Count the VMs that are decided upon for a VO among those that come; limits may have less room since."""
        booting = self._booting.get(vo, {})
        self._coming[vo] = _coming(self._pools, Counter(booting) + Counter(planned), booting)
        for found in (self._takers, self._new, self._fresh, self._known):
            found.clear()

    def open(self, vos: Iterable[str]) -> bool:
        """Tell whether any pool of these VOs may still launch."""
        wanted = frozenset(vos)
        return any(pool.vo in wanted and self._of_pool(pool) for pool in self._pools.values())

    def of(self, group: Group) -> Fits:
        """Return where jobs of a group may go, each with how many run side by side on one VM; equals are one object."""
        coming = self._coming_for(group)
        key = (id(group.candidates), *[id(spot) for spot, _ in coming])
        fits = self._known.get(key)
        if fits is None:
            fits = self._known[key] = (*coming, *self._fresh_of(group))
        if not self._limits.matching.memory.no_match:
            return fits
        return tuple([one for one in fits if one[0].key or self._limits.of_shape(one[0].pool, group.shape)[0]])

    def _coming_for(self, group: Group) -> tuple[tuple[Spot, int], ...]:
        key = (group.vo, id(group.candidates), bin_of(group.seconds))
        found = self._takers.get(key)
        if found is None:
            found = self._takers[key] = _reached(self._coming.get(group.vo, ()), group)
        return found

    def _fresh_of(self, group: Group) -> Fits:
        key = id(group.candidates)
        if key not in self._fresh:
            found = ((self._of_pool(one.pool), one.per_vm) for one in group.candidates)
            self._fresh[key] = tuple([(spot, count) for spot, count in found if spot])
        return self._fresh[key]

    def _of_pool(self, pool: Pool) -> Spot | None:
        if pool.name not in self._new:
            self._new[pool.name] = Spot(pool.name, pool) if self._limits.room(pool)[0] else None
        return self._new[pool.name]


def _reached(coming: Iterable[Coming], group: Group) -> tuple[tuple[Spot, int], ...]:
    """Return which of these take jobs of a group, by the least its kind of length runs."""
    places, seconds = group.places, group.seconds
    reached = [one.empty for one in coming if one.reach >= seconds and one.pool in places]
    return tuple(takers(group.shape, reached))


def _coming(pools: Mapping[str, Pool], given: Mapping[Key, int], booting: Mapping[Key, int]) -> Sequence[Coming]:
    """Return them, those that boot already first: of equal spots of a pool a cover fills the first by name."""
    keys = enumerate(sorted(given, key=lambda key: (key not in booting, *_told(key))))
    spots = (
        (Spot(f"{key.pool}/{at:06}", pools[key.pool], key, given[key], booting.get(key, 0)), key) for at, key in keys
    )
    return [_on_its_way(spot, key) for spot, key in spots]


def _on_its_way(spot: Spot, key: Key) -> Coming:
    empty = Empty.of(spot, key.total, key.seconds_left)
    return Coming(key.pool, empty, reach_of(key.remaining, key.total.cores))


def _told(key: Key) -> tuple[object, ...]:
    return key.pool, key.remaining, key.seconds_left, key.total.cores, key.total.ram_mb, key.total.gpus
