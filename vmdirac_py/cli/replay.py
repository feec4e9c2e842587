"""`replay`: jobs of the past through the planner, in virtual time; alone, against other rules, or as a gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Json, opened
from .output import console, errors, print_json
from .replaying import Course, Task, course_of, run_all
from .verdict import margins_of, shown

if TYPE_CHECKING:
    from vmdirac_py.model.inventory import Inventory
    from vmdirac_py.replay.api import Result
    from vmdirac_py.replay.gate import Margins

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
OLD, NEW = "old inventory", "new inventory"
MARGIN = "With --gate: "


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(replay)


def replay(
    trace: Annotated[Path, typer.Argument(help="A trace: SWF, CSV, or what `vmdirac history export` wrote.")],
    inventory: Annotated[
        Path | None,
        typer.Option("--inventory", "-i", help="An inventory, a folder or file [default: the installation's active]."),
    ] = None,
    scenario: Annotated[Path | None, typer.Option(help="What the cloud is like [default: calm, without end].")] = None,
    overlay: Annotated[Path | None, typer.Option(help="What is put over the trace: other shapes, priorities.")] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="What decides; more than one are compared. [default: production]")
    ] = None,
    like: Annotated[
        str, typer.Option(help="Give the trace's VOs that have no pool the pools and limits of this VO.")
    ] = "",
    start: Annotated[str, typer.Option("--from", help="Only jobs submitted so long after the first, such as 2d.")] = "",
    until: Annotated[str, typer.Option(help="Only jobs submitted before, such as 9d.")] = "",
    seed: Annotated[int, typer.Option(help="For whatever the scenario leaves to chance.")] = 1,
    against: Annotated[Path | None, typer.Option(help="Replay this inventory too, and compare.")] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="End with 1 where -i does worse than --against beyond a margin.")
    ] = False,
    max_cost_rise: Annotated[str, typer.Option(help=f"{MARGIN}of the cost. [default: 5%]")] = "",
    max_paid_rise: Annotated[str, typer.Option(help=f"{MARGIN}of paid core-hours. [default: 5%]")] = "",
    max_wait_rise: Annotated[
        float | None, typer.Option(min=0.0, help=f"{MARGIN}of the mean wait, seconds. [default: 30]")
    ] = None,
    max_vo_wait_rise: Annotated[
        float | None, typer.Option(min=0.0, help=f"{MARGIN}of the mean wait of any VO, seconds. [default: 120]")
    ] = None,
    max_unserved: Annotated[
        int | None, typer.Option(min=0, help=f"{MARGIN}more jobs that never run. [default: 0]")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report with pictures and JSON into this folder.")] = None,
    json: Json = False,
) -> None:
    """Replay a trace of jobs in virtual time, and tell what it would have cost and how long jobs would have waited.

    Jobs of VOs without a pool never run: they are told, and `--like VO` gives them pools. Nothing is changed.
    """
    margins = margins_of(
        gate=gate, cost=max_cost_rise, paid=max_paid_rise, wait=max_wait_rise, vo_wait=max_vo_wait_rise,
        unserved=max_unserved,
    )  # fmt: skip
    rules = tuple(dict.fromkeys(rule or ["production"]))
    _check(rules, compares=gate or bool(against), names=bool(inventory or against))
    course = course_of(trace, scenario=scenario, overlay=overlay, like=like, start=start, until=until, seed=seed)
    tasks = _tasks(inventory, against, rules, compares=gate or bool(against))
    results = run_all(course, tasks)
    _report(results, report, json=json)
    if len(results) < len(tasks):
        _show(course, results, json=json)
        errors.print(f"interrupted: {len(results)} of {len(tasks)} replays came to their end", highlight=False)
        raise typer.Exit(INTERRUPTED)
    _end(course, results, margins, compares=gate or bool(against), json=json)


def _check(rules: tuple[str, ...], *, compares: bool, names: bool) -> None:
    if compares and len(rules) > 1:
        raise typer.BadParameter("compare rules or inventories, not both at once", param_hint="--rule")
    if compares and not names:
        raise typer.BadParameter("name a new inventory with -i, an old one with --against", param_hint="--gate")


def _tasks(new: Path | None, old: Path | None, rules: tuple[str, ...], *, compares: bool) -> tuple[Task, ...]:
    if not compares:
        inventory = _inventory(new)
        return tuple(Task(name, inventory) for name in rules)
    return tuple(Task(rules[0], _inventory(path), label) for path, label in ((old, OLD), (new, NEW)))


def _inventory(path: Path | None) -> Inventory:
    from vmdirac_py.operations import revisions

    if path is not None:
        return revisions.check(path)
    with opened() as ctx:
        return ctx.inventory()


def _report(results: list[Result], folder: Path | None, *, json: bool) -> None:
    if folder is None or not results:
        return
    from vmdirac_py.replay.report.write import write

    page = write(results, folder)[0]
    if not json:
        errors.print(f"report: {page}", highlight=False, markup=False, soft_wrap=True)


def _show(course: Course, results: list[Result], *, json: bool) -> None:
    if json:
        print_json({"results": results, **course.told})
    elif results:
        from vmdirac_py.replay.report.write import summary

        console.print(summary(results))


def _end(course: Course, results: list[Result], margins: Margins | None, *, compares: bool, json: bool) -> None:
    if not compares:
        _show(course, results, json=json)
    elif shown(course, results, margins, json=json):
        raise typer.Exit(1)
