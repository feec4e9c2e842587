"""One pass over all queues: every waiting job placed once, on what runs, boots, or shall be launched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Placement, Snapshot
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.reason import Reason

from .explain import bound, unserveable
from .grow import Candidate, candidates, grow
from .limits import Limits
from .memory import Memory
from .place import Group, Key, Kinds, Phase, Placed, Shelf, fresh, shelves


@dataclass(slots=True)
class Served:
    """What the new VMs of a pool are for."""

    jobs: int = 0
    queues: int = 0


@dataclass(slots=True)
class Pass:
    """What one pass found: placements in the queues' order, new VMs by pool, and what those serve."""

    placements: list[Placement] = field(default_factory=list)
    launches: Counter[str] = field(default_factory=Counter)
    served: defaultdict[str, Served] = field(default_factory=lambda: defaultdict(Served))

    def note(self, placed: Placed) -> None:
        """Count the jobs of one queue that are placed on new VMs."""
        new = [(kind.key.pool, count) for kind, count in placed if kind.key.phase is Phase.NEW]
        for pool, count in new:
            self.served[pool].jobs += count
        for pool in {pool for pool, _ in new}:
            self.served[pool].queues += 1


class Assignment:
    """Everything the passes of one step share; queues come sorted."""

    def __init__(
        self, snapshot: Snapshot, memory: Memory, limits: Limits, queues: list[TaskQueue], capacity: Mapping[Key, int]
    ) -> None:
        self._at, self._memory, self._limits, self._queues = snapshot.at, memory, limits, queues
        self._pools = dict(snapshot.inventory.pools)
        self._capacity = capacity
        self._kinds = Kinds(self._pools)
        self._groups: dict[tuple[str, Shape], Group] = {}
        self._candidates: dict[Group, list[Candidate]] = {}
        self._pools_of_vo = _pools_by_vo(self._pools)
        self._unserveable: dict[Group, tuple[Reason, ...]] = {}

    def run(self, planned: Mapping[str, int]) -> Pass:
        """Place all queues on the fleet and the VMs already planned, and plan more where that is not enough."""
        found, by_vo = Pass(), self._shelves(planned)
        for queue in self._queues:
            found.placements.append(self._assign(queue, by_vo[queue.vo], found))
        return found

    def _shelves(self, planned: Mapping[str, int]) -> defaultdict[str, Shelf]:
        new = [(self._fresh(self._pools[name]), count) for name, count in planned.items()]
        return shelves(self._kinds, self._pools, [*self._capacity.items(), *new])

    def _fresh(self, pool: Pool) -> Key:
        return fresh(pool, pool.resources, Phase.NEW, self._at)

    def _assign(self, queue: TaskQueue, shelf: Shelf, found: Pass) -> Placement:
        group, left = self._group(queue), queue.waiting
        placed = shelf.place(group, left) if left else []
        left -= _jobs(placed)
        if left:
            self._grow(left, group, shelf, found)
            more = shelf.place(group, left)
            left, placed = left - _jobs(more), placed + more
        found.note(placed)
        running, booting, new = _by_phase(placed)
        return Placement(queue.id, queue.vo, running, booting, new, left, self._why(group) if left else ())

    def _grow(self, jobs: int, group: Group, shelf: Shelf, found: Pass) -> None:
        for candidate, count in grow(jobs, self._candidates_of(group), self._limits):
            found.launches[candidate.pool.name] += count
            shelf.add(self._fresh(candidate.pool), count)

    def _group(self, queue: TaskQueue) -> Group:
        key = (queue.vo, queue.shape)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(queue)
        return group

    def _candidates_of(self, group: Group) -> list[Candidate]:
        known = self._candidates.get(group)
        if known is None:
            pools = self._pools_of_vo.get(group.sample.vo, [])
            known = self._candidates[group] = candidates(group.sample, pools, self._memory)
        return known

    def _why(self, group: Group) -> tuple[Reason, ...]:
        fitting = self._candidates_of(group)
        if fitting:
            return bound(fitting, self._limits)
        if group not in self._unserveable:
            self._unserveable[group] = unserveable(group.sample, self._pools_of_vo.get(group.sample.vo, []))
        return self._unserveable[group]


def _jobs(placed: Placed) -> int:
    return sum(count for _, count in placed)


def _by_phase(placed: Placed) -> tuple[int, ...]:
    return tuple(sum(count for kind, count in placed if kind.key.phase is phase) for phase in Phase)


def _pools_by_vo(pools: Mapping[str, Pool]) -> Mapping[str, list[Pool]]:
    by_vo: defaultdict[str, list[Pool]] = defaultdict(list)
    for name in sorted(pools):
        by_vo[pools[name].vo].append(pools[name])
    return by_vo
