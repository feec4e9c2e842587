"""What every policy looks at: the living VMs and the rules of their pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vmdirac_py.lifecycle.states import ALIVE, rules_for
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.vm import Capacity, VmState
from vmdirac_py.planner.memory import Memory


@dataclass(frozen=True, slots=True)
class View:
    """The world as policies see it: VMs `alive` run jobs or are going to, `running` ones do, on `empty` none runs.

    `leaving` are those that policies asked before have chosen already.
    """

    snapshot: Snapshot
    memory: Memory
    alive: Sequence[Capacity]
    running: Sequence[Capacity]
    empty: Sequence[Capacity]
    leaving: frozenset[str] = frozenset()

    @classmethod
    def of(cls, snapshot: Snapshot, memory: Memory) -> View:
        """Return the view of a snapshot."""
        alive = [one for one in snapshot.fleet if one.vm.state in ALIVE]
        running = [one for one in alive if one.vm.state is VmState.RUNNING]
        return cls(snapshot, memory, alive, running, [one for one in running if not one.busy_slots])

    @property
    def staying(self) -> Sequence[Capacity]:
        """The VMs alive that nobody has chosen yet."""
        return [one for one in self.alive if one.vm.id not in self.leaving] if self.leaving else self.alive

    @property
    def at(self) -> float:
        """The snapshot's time (epoch)."""
        return self.snapshot.at

    @property
    def pools(self) -> Mapping[str, Pool]:
        """The inventory's pools."""
        return self.snapshot.inventory.pools

    def pool(self, capacity: Capacity) -> Pool:
        """Return the pool whose rules hold for a VM; the defaults when it left the inventory."""
        known = self.pools.get(capacity.vm.pool)
        return known or rules_for(capacity.vm, self.snapshot.inventory).pool

    def age(self, capacity: Capacity) -> float:
        """Return for how many seconds a VM has lived."""
        return self.at - capacity.vm.created_at

    def left(self, capacity: Capacity) -> float:
        """Return how many seconds a VM has left of its life."""
        return capacity.vm.created_at + self.pool(capacity).max_life - self.at

    def length(self, vo: str) -> float:
        """Return within how many seconds half of a VO's jobs end; 0.0: nothing is known of them.

        Not the mean: a few that may run for weeks would end VMs long before their time.
        """
        return self.memory.lengths.half(vo)
