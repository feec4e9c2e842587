"""The rules a replay can run: production's is the planner itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.planner.lengths import Lengths
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

from .api import Rule, Trace
from .rivals import RIVALS, Static, mean_cores


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


def _rival(kind: type[Any]) -> Callable[[Trace], Rule]:
    """Return what makes a rival with its first setting; the static fleet knows the trace's mean in hindsight."""
    if kind is Static:
        return lambda trace: next(Static.settings(mean_cores(trace)))
    return lambda _trace: next(kind.settings())


RULES: Mapping[str, Callable[[Trace], Rule]] = MappingProxyType(
    {Production.name: _production} | {kind.name.lower().replace(" ", "-"): _rival(kind) for kind in RIVALS}
)
"""What makes each rule anew for a trace, by the name it is asked for by."""
