"""How plans, and what differs between two, are shown to people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .output import console, table

if TYPE_CHECKING:
    from vmdirac_py.model.plan import Placement, Plan
    from vmdirac_py.model.reason import Reason
    from vmdirac_py.planner.difference import Change, Difference, Shift

PLACES: Mapping[str, Callable[[Placement], int]] = {
    "ON RUNNING": lambda one: one.on_running,
    "ON BOOTING": lambda one: one.on_booting,
    "ON NEW": lambda one: one.on_new,
    "HELD": lambda one: one.held,
    "UNPLACED": lambda one: one.unplaced,
}


def show_plan(made: Plan) -> None:
    """Print a plan for people."""
    from vmdirac_py.model.words import words

    rows = [(d.action, d.count, d.pool, d.vo, words(d.reason)) for d in made.decisions]
    console.print(table("To do", ("DO", "VMS", "POOL", "VO", "WHY"), rows) if rows else "Nothing to do.")
    placed = [
        (one.queue, one.vo, *(read(one) for read in PLACES.values()), "; ".join(map(words, one.reasons)))
        for one in made.placements
    ]
    if placed:
        console.print(table("Waiting jobs", ("QUEUE", "VO", *PLACES, "WHY"), placed))
    notes = [(note.pool, "; ".join(map(words, note.reasons))) for note in made.pools if note.reasons]
    if notes:
        console.print(table("Pools", ("POOL", "NOTE"), notes))


def show_difference(found: Difference) -> None:
    """Print for people what differs between two plans."""
    if not found:
        console.print("Nothing differs.")
    if found.actions:
        rows = [(one.action, one.pool, one.vo, one.before, one.after, _vms(one)) for one in found.actions]
        console.print(table("To do", ("DO", "POOL", "VO", "VMS BEFORE", "AFTER", "WHICH"), rows))
    if found.queues:
        console.print(table("Waiting jobs, before > after", ("QUEUE", "VO", *PLACES), map(_shift, found.queues)))
    if found.reasons:
        reasons = [(one.subject, _words(one.before), _words(one.after)) for one in found.reasons]
        console.print(table("Reasons", ("OF", "BEFORE", "AFTER"), reasons))


def _vms(change: Change) -> str:
    return ", ".join([*(f"+{vm}" for vm in change.came), *(f"-{vm}" for vm in change.went)])


def _shift(shift: Shift) -> tuple[str, ...]:
    known = shift.after or shift.before
    return (shift.queue, known.vo if known else "", *(_number(shift, read) for read in PLACES.values()))


def _number(shift: Shift, read: Callable[[Placement], int]) -> str:
    before, after = (str(read(one)) if one else "-" for one in (shift.before, shift.after))
    return before if before == after else f"{before} > {after}"


def _words(reason: Reason | None) -> str:
    from vmdirac_py.model.words import words

    return words(reason) if reason else ""
