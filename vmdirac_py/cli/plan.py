"""`plan`: what would be done now, in a situation from a file, or with another inventory; and what that changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import files
from .common import Json, opened
from .output import print_json
from .plans import show_difference, show_plan

if TYPE_CHECKING:
    from vmdirac_py.model.plan import Plan
    from vmdirac_py.planner.situation import Situation

OTHERWISE = 2
"""Exit code of `--detailed-exitcode` where something differs, as Terraform has it; 1 is an error."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(plan)


def plan(
    plan_id: Annotated[
        str, typer.Argument(metavar="[PLAN]", help="A kept plan's id, as batches name it [default: plan now].")
    ] = "",
    snapshot: Annotated[
        Path | None, typer.Option(help="Plan what `vmdirac snapshot` wrote; needs no installation. - reads it.")
    ] = None,
    inventory: Annotated[
        Path | None, typer.Option("--inventory", "-i", help="Plan with this inventory, a folder or file.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Show what the plan does otherwise than with this inventory.")
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what it does otherwise than PLAN [default: the last one kept].")
    ] = False,
    detailed: Annotated[
        bool, typer.Option("--detailed-exitcode", help="With --diff or --against: end with 2 if anything differs.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what would be decided now, or was decided then, with reasons; nothing is changed."""
    _check(plan_id, given=bool(snapshot or inventory or against), diff=diff, against=bool(against), detailed=detailed)
    if plan_id and not diff:
        _show(_kept(plan_id), json=json)
        return
    situation = _situation(snapshot)
    made = _planned(situation, inventory)
    if against or diff:
        before = _planned(situation, against) if against else _kept(plan_id)
        _compare(before, made, detailed=detailed, json=json)
    else:
        _show(made, json=json)


def _check(plan_id: str, *, given: bool, diff: bool, against: bool, detailed: bool) -> None:
    """Refuse options of which one would be passed over in silence."""
    if plan_id and given and not diff:
        raise typer.BadParameter("a kept plan is only shown, or compared with --diff", param_hint="PLAN")
    if diff and against:
        raise typer.BadParameter("compare with a kept plan or with an inventory, not with both", param_hint="--diff")
    if detailed and not (diff or against):
        raise typer.BadParameter("belongs to --diff or --against", param_hint="--detailed-exitcode")


def _situation(file: Path | None) -> Situation:
    if file is not None:
        from vmdirac_py.planner.codec import situation_from_json

        return situation_from_json(files.read(file), name=str(file))
    from vmdirac_py.operations import planning

    with opened() as ctx:
        return planning.situation(ctx)


def _planned(situation: Situation, inventory: Path | None) -> Plan:
    from vmdirac_py.operations import revisions, situations
    from vmdirac_py.planner.situation import under

    return situations.planned(under(situation, revisions.check(inventory)) if inventory else situation)


def _kept(plan_id: str) -> Plan:
    from vmdirac_py.operations import planning

    with opened() as ctx:
        return planning.kept(ctx, plan_id)


def _show(made: Plan, *, json: bool) -> None:
    if json:
        print_json(made)
    else:
        show_plan(made)


def _compare(before: Plan, after: Plan, *, detailed: bool, json: bool) -> None:
    from vmdirac_py.planner.difference import difference

    found = difference(before, after)
    if json:
        print_json(found)
    else:
        show_difference(found)
    if detailed and found:
        raise typer.Exit(OTHERWISE)
