"""What one call of `replay` runs: the trace as it is wanted, its VOs' pools, and replay after replay with progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmdirac_py.base.errors import BadInput

from .durations import seconds
from .output import errors

if TYPE_CHECKING:
    from rich.progress import Progress

    from vmdirac_py.model.inventory import Inventory
    from vmdirac_py.replay.api import Result, Rule, Trace
    from vmdirac_py.replay.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Task:
    """One replay: by which rule, in which inventory, and how it is called beside others."""

    rule: str
    inventory: Inventory
    label: str = ""

    @property
    def name(self) -> str:
        """Return what tells it from the others."""
        return f"{self.rule}, {self.label}" if self.label else self.rule


@dataclass(frozen=True, slots=True)
class Course:
    """What all replays of one call share; `told` is what to know of the trace, for programs."""

    trace: Trace
    scenario: Scenario
    seed: int
    like: str
    told: dict[str, Any] = field(default_factory=dict)


def course_of(
    trace: Path, *, scenario: Path | None, overlay: Path | None, like: str, start: str, until: str, seed: int
) -> Course:
    """Read trace, overlay and scenario, and tell what was left out of the trace or mended.

    Raises:
        BadInput: one of them cannot be used, or no job is left.
    """
    from vmdirac_py.replay.overlay import Overlay, apply
    from vmdirac_py.replay.overlay import read as read_overlay
    from vmdirac_py.replay.scenario import Scenario, read_scenario
    from vmdirac_py.replay.traces.gathering import notes
    from vmdirac_py.replay.traces.read import read

    given = read_scenario(scenario) if scenario else Scenario()
    over = read_overlay(overlay) if overlay else Overlay()
    made = read(trace)
    _say(lines := [f"{made.name}: {line}" for line in notes(made)])
    if start or until:
        made = apply(made, _cut(start, until))
    return Course(apply(made, over) if overlay else made, given, seed, like, {"notes": lines})


def _cut(start: str, until: str) -> Any:
    from vmdirac_py.replay.overlay import overlay

    cut: dict[str, object] = {"since": seconds(start) if start else 0.0, "until": seconds(until) if until else None}
    return overlay(cut, where="--from and --until")


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        errors.print(line, highlight=False, markup=False, soft_wrap=True)


def run_all(course: Course, tasks: Sequence[Task]) -> list[Result]:
    """Run replay after replay with a progress bar; after Ctrl-C only those that came to their end are returned.

    Raises:
        BadInput: there is no such rule, or no job of the trace has a pool, or the scenario names what is not there.
    """
    rules = [_rule(task.rule, course.trace) for task in tasks]
    worlds = _worlds(course, tasks)
    done: list[Result] = []
    try:
        with _progress() as bar:
            for task, rule, world in zip(tasks, rules, worlds, strict=True):
                done.append(_run(course, task, rule, world, bar))
    except KeyboardInterrupt:
        return done
    return done


def _rule(name: str, trace: Trace) -> Rule:
    from vmdirac_py.replay.rules import RULES

    if name not in RULES:
        raise BadInput("there is no such rule", where=name, mend=f"one of: {', '.join(sorted(RULES))}")
    return RULES[name](trace)


def _worlds(course: Course, tasks: Sequence[Task]) -> list[Inventory]:
    """Return the tasks' inventories with pools for the trace's VOs; what has none is told once."""
    found = [_world(course, task.inventory) for task in tasks]
    missing = {vo: jobs for _, without in found for vo, jobs in without.items()}
    course.told["without_pools"] = missing
    _say([f"VO {vo} has no pool: its {jobs} jobs never run" for vo, jobs in missing.items()])
    if missing:
        _say(["`--like VO` gives them the pools of a VO of the inventory"])
    return [inventory for inventory, _ in found]


def _world(course: Course, inventory: Inventory) -> tuple[Inventory, Mapping[str, int]]:
    from vmdirac_py.replay.pools_for import with_pools, without_pools

    missing = without_pools(course.trace, inventory)
    if course.like and missing:
        return with_pools(inventory, tuple(missing), like=course.like), {}
    if sum(missing.values()) == len(course.trace.jobs):
        vos = ", ".join(sorted({pool.vo for pool in inventory.pools.values()}))
        what = f"no VO of the trace has a pool: {', '.join(missing)}"
        raise BadInput(what, where=course.trace.name, mend=f"give --like with one of: {vos}")
    return inventory, missing


def _progress() -> Progress:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("jobs"))
    times = (TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn())
    return Progress(*columns, *times, console=errors, transient=True, disable=not errors.is_terminal)


def _run(course: Course, task: Task, rule: Rule, world: Inventory, bar: Progress) -> Result:
    from msgspec.structs import replace

    from vmdirac_py.replay.run import replay

    shown = bar.add_task(task.name, total=len(course.trace.jobs))

    def tell(done: int, total: int) -> None:
        bar.update(shown, completed=done, total=total)

    result = replay(course.trace, world, rule=rule, scenario=course.scenario, seed=course.seed, progress=tell)
    return replace(result, rule=task.name)
