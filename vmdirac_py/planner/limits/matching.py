"""VMs that found no work for what they were launched for: not another one for the same jobs too soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from vmdirac_py.lifecycle.budget import allow
from vmdirac_py.lifecycle.states import BOOTING
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity, VmState
from vmdirac_py.planner.memory import Memory

from .limit import NO_LIMIT


@dataclass(frozen=True, slots=True)
class Matching:
    """What is remembered of VMs without a payload, and how many of each pool have yet to show one."""

    memory: Memory
    at: float
    unproved: Mapping[str, int]

    def room(self, pool: Pool, shape: Shape) -> tuple[int, Reason | None]:
        """Return how many VMs of a pool may be launched for jobs of a shape, and why not more."""
        budget, unproved = self.memory.match(pool, shape), self.unproved.get(pool.name, 0)
        return allow(budget, NO_LIMIT, self.at, scope=pool.name, in_flight=unproved)


def matching(snapshot: Snapshot, memory: Memory) -> Matching:
    """Return what is known; the fleet is only counted where something is remembered."""
    unproved = filter(_unproved, snapshot.fleet) if memory.no_match else ()
    return Matching(memory, snapshot.at, Counter(capacity.vm.pool for capacity in unproved))


def _unproved(capacity: Capacity) -> bool:
    empty = capacity.vm.state is VmState.RUNNING and not capacity.busy_slots
    return empty or capacity.vm.state in BOOTING
