"""A rule asked cycle by cycle, where the test says what becomes of its VMs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import Action, Plan, Snapshot
from vmdirac_py.model.queue import Demand, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Vm, VmState

BEGIN = 1_800_000_000.0


class Site:
    """A fleet and a queue; `becomes` is the state in which the VMs of a launch are seen in the next cycle."""

    def __init__(self, rule: Any, inventory: Inventory, becomes: VmState = VmState.SUBMITTED) -> None:
        self.rule, self.of, self.becomes = rule, rule.inventory(inventory), becomes
        self.at, self.fleet, self.asked = BEGIN, list[Capacity](), list[int]()
        self.queues: tuple[TaskQueue, ...] = ()
        self.memory: Any = None

    def wait(self, jobs: int, *, vo: str = "vo", oldest: float = BEGIN, **shape: Any) -> None:
        """Let jobs wait, beside those that do."""
        name = f"q-{len(self.queues)}"
        asked = Shape(max_cores=shape.get("min_cores", 1), **shape)
        self.queues = (*self.queues, TaskQueue(name, vo, "user", f"{vo}_user", asked, 1.0, jobs, oldest))

    def cycle(self) -> Plan:
        """Ask the rule once, and carry out what it says."""
        demand = Demand(self.at, complete=True, source="test", queues=self.queues)
        plan, self.memory = self.rule.step(Snapshot(self.at, 0, self.of, demand, tuple(self.fleet)), self.memory)
        for one in plan.decisions:
            if one.action is Action.LAUNCH:
                pool = self.of.pools[one.pool]
                self.fleet += [self.vm(pool, self.becomes, len(self.fleet) + n) for n in range(one.count)]
        self.asked.append(sum(one.count for one in plan.decisions if one.action is Action.LAUNCH))
        self.at += self.rule.cycle_seconds
        return plan

    def cycles(self, number: int) -> list[int]:
        """Return how many VMs there are after each of some cycles."""
        found = []
        for _ in range(number):
            self.cycle()
            found.append(len(self.fleet))
        return found

    def vm(self, pool: Pool, state: VmState, number: int, busy: int = 0) -> Capacity:
        """A VM, some of whose cores run one-core jobs."""
        has, at = pool.resources, self.at
        vm = Vm(f"vm-{number:05}", "b", pool.endpoint, pool.name, pool.vo, has, state, at, at, at + 1800.0)
        return Capacity(vm, has - Resources(busy, 0), busy)

    def run(self, pool: str, busy: Sequence[int]) -> None:
        """Let VMs run, with so many one-core jobs each."""
        self.fleet += [self.vm(self.of.pools[pool], VmState.RUNNING, 1000 + n, one) for n, one in enumerate(busy)]


@pytest.fixture
def site() -> type[Site]:
    """Make a site of a rule and an inventory."""
    return Site
