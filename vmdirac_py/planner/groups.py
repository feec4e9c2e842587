"""Waiting jobs grouped by VO, shape, priority and expected length: what fits them is found out once per group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from vmdirac_py.model.fit import Empty, Offer, failing_place, takers
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.queue import LONG_WAIT, Shape, TaskQueue

from .lengths import Lengths
from .lifetable import bin_of

Rank = tuple[float | bool | str, ...]
Places = tuple[frozenset[str], Sequence[Empty]]
"""Pools by name, and what their empty VMs offer."""


class Candidate(NamedTuple):
    """A pool whose empty VMs fit a group, and how many of its jobs run side by side on one."""

    pool: Pool
    per_vm: int


Candidates = tuple[Candidate, ...]
OVERDUE = 1e-3
"""What a long wait adds to a priority: it decides among equals."""
REOPEN_AFTER = 1 / 3
"""How long jobs wait for cores within reach before a VM is prolonged for them beyond it, in boot times."""


class Group:
    """Equal jobs of some queues, those in their order; `candidates` are the pools that fit, preferred first.

    `seconds` is how long one is expected to run; `places` are the pools it may run in if it fits the size; `limited` is
    its DIRAC group where that has a limit of its own.
    """

    __slots__ = (
        "_at",
        "candidates",
        "jobs",
        "limited",
        "oldest",
        "places",
        "priority",
        "queues",
        "seconds",
        "shape",
        "vo",
    )

    def __init__(
        self, queue: TaskQueue, seconds: float, at: float, limited: str, names: frozenset[str], fits: Candidates
    ) -> None:
        self.vo, self.shape, self.priority, self.seconds = queue.vo, queue.shape, queue.priority, seconds
        self.limited, self.places, self.candidates, self._at = limited, names, fits, at
        self.queues: list[TaskQueue] = []
        self.jobs, self.oldest = 0, inf

    def add(self, queue: TaskQueue, seconds: float) -> None:
        """Count a queue in, whose jobs are expected to run for so long: the longest of the group counts."""
        self.seconds = max(self.seconds, seconds)
        self.queues.append(queue)
        self.jobs += queue.waiting
        self.oldest = min(self.oldest, queue.oldest)

    @property
    def most_per_vm(self) -> int:
        """Return how many of its jobs run side by side on the VM that takes most."""
        return max((one.per_vm for one in self.candidates), default=0)

    @property
    def may_reopen(self) -> bool:
        """Tell whether its jobs have waited long enough for VMs to be prolonged for them beyond their reach."""
        boot = min((one.pool.boot_seconds for one in self.candidates), default=0.0)
        return self._at - self.oldest >= REOPEN_AFTER * boot

    @property
    def waited_long(self) -> bool:
        """Tell whether its jobs have waited so long that any VM with room takes them, whatever it is prolonged by."""
        return self._at - self.oldest >= LONG_WAIT

    @property
    def turn(self) -> float:
        """Return its rank where limits leave some waiting: by priority, and among equals first who waited for long."""
        return self.priority + OVERDUE * self.waited_long

    def cost_of_new(self, jobs: int) -> float:
        """Return the core-seconds that each of so many jobs costs on new VMs of the pool that suits them best."""
        costs = [
            (self.seconds + one.pool.boot_seconds) * one.pool.resources.cores / min(jobs, one.per_vm)
            for one in self.candidates
        ]
        return min(costs, default=inf)

    @property
    def rank(self) -> Rank:
        """Highest priority first; then who has fewest pools to choose from, who needs most, who runs longest."""
        shape = self.shape
        return (
            -self.priority, len(self.candidates), not shape.whole_node, -shape.min_cores, -self.seconds, -shape.ram_mb,
            self.oldest, self.queues[0].id,
        )  # fmt: skip


class Groups:
    """All waiting jobs in groups, in the order in which they are placed."""

    def __init__(self, snapshot: Snapshot, lengths: Lengths) -> None:
        self._pools = _pools_by_vo(snapshot.inventory.pools)
        self._offers = {name: Offer.of_pool(pool) for name, pool in snapshot.inventory.pools.items()}
        self._places: dict[tuple[object, ...], Places] = {}
        self._fits: dict[tuple[str, Shape], tuple[frozenset[str], tuple[Candidate, ...]]] = {}
        groups: dict[tuple[str, Shape, float, int, str], Group] = {}
        self._vos = snapshot.inventory.vos
        for queue in sorted((one for one in snapshot.demand.queues if one.waiting), key=_order):
            seconds = lengths.expected(queue.vo, queue.owner, queue.shape.cpu_seconds)
            limited = queue.group if self._is_limited(queue) else ""
            key = (queue.vo, queue.shape, queue.priority, bin_of(seconds), limited)
            group = groups.get(key)
            if group is None:
                group = groups[key] = Group(queue, seconds, snapshot.at, limited, *self._fit(queue))
            group.add(queue, seconds)
        self.all = sorted(groups.values(), key=lambda group: group.rank)

    def offers_of(self, vo: str) -> Sequence[tuple[Pool, Offer]]:
        """Return what empty VMs of a VO's pools offer, preferred first, then by name."""
        return [(pool, self._offers[pool.name]) for pool in self._pools.get(vo, ())]

    def _is_limited(self, queue: TaskQueue) -> bool:
        vo = self._vos.get(queue.vo)
        return vo is not None and (queue.group in vo.group_max_cores or queue.group in vo.group_max_vms)

    def _fit(self, queue: TaskQueue) -> tuple[frozenset[str], tuple[Candidate, ...]]:
        key = (queue.vo, queue.shape)
        found = self._fits.get(key)
        if found is None:
            names, empties = self._places_of(queue)
            found = names, tuple([Candidate(pool, count) for pool, count in takers(queue.shape, empties)])
            self._fits[key] = found
        return found

    def _places_of(self, queue: TaskQueue) -> Places:
        """Return where such jobs may run whatever their size: asked once per wish, not once per shape."""
        shape = queue.shape
        wish = (queue.vo, shape.sites, shape.banned_sites, shape.platforms, shape.tags)
        places = self._places.get(wish)
        if places is None:
            offers = self.offers_of(queue.vo)
            found = [(pool, offer) for pool, offer in offers if not failing_place(shape, offer)]
            empties = [Empty.of(pool, offer.free, offer.seconds_left) for pool, offer in found]
            places = self._places[wish] = frozenset(pool.name for pool, _ in found), empties
        return places


def _order(queue: TaskQueue) -> tuple[float, str]:
    return queue.oldest, queue.id


def _pools_by_vo(pools: Mapping[str, Pool]) -> Mapping[str, Sequence[Pool]]:
    by_vo: defaultdict[str, list[Pool]] = defaultdict(list)
    for pool in sorted(pools.values(), key=lambda pool: (-pool.priority, pool.name)):
        by_vo[pool.vo].append(pool)
    return by_vo
