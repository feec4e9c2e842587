"""One pass over all queues: every waiting job placed once, on what runs, boots, or shall be launched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Placement, Snapshot
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.reason import Reason

from .explain import bound, unserveable
from .groups import Group, Groups
from .grow import grow
from .kinds import Key, Kinds, Phase, fresh
from .limits import Limits
from .memory import Memory
from .place import Placed, Shelf, shelves


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
    """Everything the passes of one step share."""

    def __init__(self, snapshot: Snapshot, memory: Memory, limits: Limits, capacity: Mapping[Key, int]) -> None:
        self._at, self._limits, self._capacity = snapshot.at, limits, capacity
        self._pools = snapshot.inventory.pools
        queues = [queue for queue in snapshot.demand.queues if queue.waiting]
        self._groups = Groups(self._pools, queues, memory)
        self._kinds = Kinds(self._pools, self._groups.wanted())
        self._queues = sorted(queues, key=self._rank)
        self._unserveable: dict[Group, tuple[Reason, ...]] = {}

    def _rank(self, queue: TaskQueue) -> tuple[float, int, bool, int, float, str]:
        """Among equal priorities, who has fewest pools to choose from goes first, then who needs most."""
        shape, choices = queue.shape, len(self._groups.of(queue).candidates)
        return -queue.priority, choices, not shape.whole_node, -shape.min_cores, queue.oldest, queue.id

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
        group, left = self._groups.of(queue), queue.waiting
        placed = shelf.place(group, left)
        left -= _jobs(placed)
        if left:
            self._grow(left, group, shelf, found)
            more = shelf.place(group, left)
            left, placed = left - _jobs(more), placed + more
        found.note(placed)
        running, booting, new = _by_phase(placed)
        return Placement(queue.id, queue.vo, running, booting, new, left, self._why(group) if left else ())

    def _grow(self, jobs: int, group: Group, shelf: Shelf, found: Pass) -> None:
        for candidate, count in grow(jobs, group.candidates, self._limits):
            found.launches[candidate.pool.name] += count
            shelf.add(self._fresh(candidate.pool), count)

    def _why(self, group: Group) -> tuple[Reason, ...]:
        if group.candidates:
            return bound(group.candidates, self._limits)
        if group not in self._unserveable:
            self._unserveable[group] = unserveable(group.sample, self._groups.pools_of(group.sample.vo))
        return self._unserveable[group]


def _jobs(placed: Placed) -> int:
    return sum(count for _, count in placed)


def _by_phase(placed: Placed) -> list[int]:
    jobs = [0] * len(Phase)
    for kind, count in placed:
        jobs[kind.key.phase] += count
    return jobs
