"""A fleet of one size for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import ceil
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from vmdirac_py.model.inventory import STATIC, Inventory, Pool
from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.replay.api import Trace

from .books import Books

SPAN = 600.0
"""Seconds after which empty VMs are looked at again."""


class Settings(Struct, frozen=True):
    """`size`: cores of a VO's fleet, in parts of those that its jobs use on average."""

    size: float = 1.0


class Static:
    """As many VMs as were decided on beforehand, from the first job to the last.

    The `static` policy of VMDIRAC 1 (rel-v1r4, `vmPolicy`), and what sites do by hand. `mean_cores` is what each VO
    uses on average, known in hindsight, which no operator does. A VO's VMs are all of its largest flavor; it has one at
    least.
    """

    name = "static"
    cycle_seconds = 60.0

    def __init__(self, settings: Settings, mean_cores: Mapping[str, float]) -> None:
        self._settings, self._mean = settings, mean_cores

    @classmethod
    def settings(cls, mean_cores: Mapping[str, float]) -> Iterator[Self]:
        """Yield the rule with each of the settings to choose from."""
        for size in (1.0, 1.5, 2.0, 3.0, 5.0, 8.0):
            yield cls(Settings(size), mean_cores)

    @property
    def setting(self) -> Settings:
        """Return what it is set to."""
        return self._settings

    def inventory(self, inventory: Inventory) -> Inventory:
        """Return the inventory with pools that keep their VMs."""
        largest: dict[str, Pool] = {}
        for pool in sorted(inventory.pools.values(), key=lambda one: (one.resources.cores, one.name)):
            largest[pool.vo] = pool
        kept = {pool.name: self._kept(pool) for pool in largest.values()}
        return replace(inventory, pools={**inventory.pools, **kept})

    def _kept(self, pool: Pool) -> Pool:
        cores = self._settings.size * self._mean.get(pool.vo, 0.0)
        return replace(pool, mode=STATIC, min_vms=max(1, ceil(cores / pool.resources.cores)), idle_seconds=SPAN)

    def step(self, snapshot: Snapshot, memory: None) -> tuple[Plan, None]:
        """Replace what is missing."""
        books = Books(snapshot, self.name)
        for pool in snapshot.inventory.pools.values():
            books.launch(pool, min(pool.min_vms - books.there(pool), books.room(pool)), 0)
        return books.plan(), memory


def mean_cores(of: Trace) -> Mapping[str, float]:
    """Return how many cores each VO's jobs use on average from the first to the last submission."""
    span, work = max(1.0, of.jobs[-1].at), defaultdict[str, float](float)
    for job in of.jobs:
        work[job.vo] += job.seconds * job.shape.min_cores
    return {vo: found / span for vo, found in work.items()}
