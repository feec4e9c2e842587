"""The rules a replay can run: production's is the planner itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.planner.lengths import Lengths
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

from .api import Rule, Trace


class Production:
    """The production planner, which begins knowing nothing. Its actor heeds the launch budget before each call."""

    name = "production"
    guarded = True

    def step(self, snapshot: Snapshot, memory: Memory | None) -> tuple[Plan, Memory]:
        """Return the plan and memory of `planner.step.step`."""
        return step(snapshot, Memory() if memory is None else memory)

    def lengths(self, memory: Memory) -> Lengths:
        """Return what the memory knows of how long jobs run."""
        return memory.lengths


def _production(_trace: Trace) -> Rule:
    return Production()


RULES: Mapping[str, Callable[[Trace], Rule]] = MappingProxyType({Production.name: _production})
"""What makes each rule anew for a trace, by the name it is asked for by; some know in hindsight what it needs."""
