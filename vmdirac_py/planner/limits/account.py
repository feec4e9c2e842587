"""The running account of all limits: what is taken for one pool is gone for those that share its limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.reason import Reason
from vmdirac_py.planner.memory import Memory

from .limit import NO_LIMIT, Limit
from .matching import Matching


@dataclass(slots=True)
class Limits:
    """All limits of all pools; limits of an endpoint or VO are shared by its pools.

    `hits` are those that bound, by pool; `shut` the pools without any room left, with the tightest limit; `of_groups`
    limits jobs by VO and DIRAC group; `warnings` are reasons to tell of a pool although they bind nothing.
    """

    of_pool: Mapping[str, list[Limit]]
    of_groups: Mapping[tuple[str, str], tuple[Limit, ...]]
    matching: Matching
    warnings: Mapping[str, tuple[Reason, ...]]
    hits: defaultdict[str, dict[Reason, None]] = field(default_factory=lambda: defaultdict(dict))
    shut: dict[str, Reason | None] = field(default_factory=dict)

    @classmethod
    def none(cls) -> Limits:
        """Return the account of a plan for which nobody asked about limits."""
        return cls({}, {}, Matching(Memory(), 0.0, {}), {})

    def room(self, pool: Pool) -> tuple[int, Reason | None]:
        """Return how many more VMs of the pool may be launched, and the tightest limit (the first of equals)."""
        if pool.name in self.shut:
            return 0, self.shut[pool.name]
        least, reason, cores = NO_LIMIT, None, pool.resources.cores
        for limit in self.of_pool[pool.name]:
            room = limit.room(cores)
            if room < least:
                least, reason = room, limit.reason
        return least, reason

    def take(self, pool: Pool, wanted: int) -> int:
        """Use up room for at most `wanted` VMs, note what binds, and return how many there are."""
        room, reason = self.room(pool)
        if room < wanted and reason:
            self.hits[pool.name][reason] = None
        if not room:
            self.shut[pool.name] = reason
        granted = min(room, wanted)
        self.charge(pool, granted)
        return granted

    def charge(self, pool: Pool, count: int) -> None:
        """Take `count` VMs off; a negative count gives them back."""
        if count < 0:
            self.shut.clear()
        for limit in self.of_pool[pool.name]:
            limit.left -= count * (pool.resources.cores if limit.by_core else 1)

    def of_group(self, vo: str, group: str) -> tuple[Limit, ...]:
        """Return what limits the jobs of a DIRAC group, empty: nothing does.

        `left` is what its running jobs leave, in cores of jobs (`by_core`) or in VMs they claim. Whoever places jobs of
        the group, on whatever VM, takes them off `left`; only jobs on new VMs need to be refused.
        """
        return self.of_groups.get((vo, group), ())

    def of_shape(self, pool: Pool, shape: Shape) -> tuple[int, Reason | None]:
        """Return how many VMs of a pool may be launched for jobs of a shape after earlier ones got none, and why."""
        return self.matching.room(pool, shape)
