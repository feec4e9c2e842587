"""What jobs without room may be put on: VMs that boot, VMs a plan has just decided upon, and new ones of each pool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from vmdirac_py.model.fit import side_by_side
from vmdirac_py.model.inventory import Pool

from .ends import reach_of
from .groups import Group
from .limits import Limits
from .stock import Key, Phase


class Spot(NamedTuple):
    """Alike empty VMs: `vms` of them are on their way (`key`), or new ones may be launched (None)."""

    name: str
    pool: Pool
    key: Key | None = None
    vms: int = 0

    @property
    def reach(self) -> float:
        """How long a job may run there, in seconds."""
        return float("inf") if self.key is None else reach_of(self.key.remaining, self.key.total.cores)

    def per_vm(self, group: Group) -> int:
        """Return how many jobs of a group run side by side on one VM that is on its way."""
        key = self.key
        if key is None or self.pool.name not in group.places or self.reach < group.seconds:
            return 0
        return side_by_side(group.shape, key.total, empty=True, seconds_left=key.seconds_left)


Fits = tuple[tuple[Spot, int], ...]


class Spots:
    """All spots of the VOs whose jobs need them; what fits a group is found out once per kind of job."""

    def __init__(self, pools: Mapping[str, Pool], limits: Limits, coming: Mapping[str, Mapping[Key, int]]) -> None:
        self._pools, self._limits = pools, limits
        self._coming = {vo: _spots(pools, found) for vo, found in coming.items()}
        self._new: dict[str, Spot | None] = {}
        self._fits: dict[int, Fits] = {}

    def of(self, group: Group) -> Fits:
        """Return where jobs of a group may go, each with how many run side by side on one VM."""
        coming = ((spot, spot.per_vm(group)) for spot in self._coming.get(group.vo, ()))
        return (*((spot, count) for spot, count in coming if count), *self._fresh(group))

    def _fresh(self, group: Group) -> Fits:
        key = id(group.candidates)
        if key not in self._fits:
            found = ((self._of_pool(one.pool), one.per_vm) for one in group.candidates)
            self._fits[key] = tuple([(spot, count) for spot, count in found if spot])
        fits = self._fits[key]
        if not self._limits.matching.memory.no_match:
            return fits
        return tuple([one for one in fits if self._limits.of_shape(one[0].pool, group.shape)[0]])

    def _of_pool(self, pool: Pool) -> Spot | None:
        if pool.name not in self._new:
            self._new[pool.name] = Spot(pool.name, pool) if self._limits.room(pool)[0] else None
        return self._new[pool.name]


def _spots(pools: Mapping[str, Pool], coming: Mapping[Key, int]) -> Sequence[Spot]:
    names: Iterable[tuple[int, Key]] = enumerate(sorted(coming, key=_told))
    return [Spot(f"{key.pool}/{at}", pools[key.pool], key, coming[key]) for at, key in names]


def _told(key: Key) -> tuple[object, ...]:
    return key.pool, key.phase, key.remaining, key.seconds_left, key.total.cores, key.total.ram_mb, key.total.gpus


def phase_of(spot: Spot) -> Phase:
    """Return how soon jobs put on a spot run."""
    return Phase.NEW if spot.key is None else spot.key.phase
