"""Two inventories on one trace: what is compared, and whether the new one may take the old one's place."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from vmdirac_py.base.errors import BadInput

from .output import console, errors, plain, print_json, table

if TYPE_CHECKING:
    from vmdirac_py.replay.api import Result
    from vmdirac_py.replay.gate import Margins, Measure

    from .replaying import Course

SHARE = re.compile(r"(?P<number>[0-9]{1,6}(?:\.[0-9]{1,6})?)\s*(?P<percent>%?)")


def margins_of(
    *, gate: bool, cost: str, paid: str, wait: float | None, vo_wait: float | None, unserved: int | None
) -> Margins | None:
    """Return the margins of the gate, those that are not given by default; None without a gate.

    Raises:
        BadInput: a share is written otherwise than `5%` or `0.05`.
    """
    given: dict[str, Any] = {
        "cost_rise": share(cost) if cost else None,
        "paid_rise": share(paid) if paid else None,
        "wait_rise": wait,
        "vo_wait_rise": vo_wait,
        "unserved_rise": unserved,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    if not gate:
        if wanted:
            raise typer.BadParameter("margins belong to --gate", param_hint="--gate")
        return None
    from vmdirac_py.replay.gate import Margins

    return Margins(**wanted)


def share(text: str) -> float:
    """Return the share that is written as `5%` or `0.05`.

    Raises:
        BadInput: it is written otherwise.
    """
    found = SHARE.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{text[:40]!r} is no share", mend="write it as 5% or 0.05")
    return float(found["number"]) / (100.0 if found["percent"] else 1.0)


def shown(course: Course, results: Sequence[Result], margins: Margins | None, *, json: bool) -> bool:
    """Print old and new beside each other, and with margins what exceeds them; tell whether something does."""
    from vmdirac_py.replay.gate import Margins as Default
    from vmdirac_py.replay.gate import failures, measured

    old, new = results
    measures = measured(old, new, margins or Default())
    failed = failures(measures) if margins else ()
    if json:
        judged = {"ok": not failed, "failures": failed} if margins else {}
        print_json({"results": results, **course.told, "measures": [_plain(one) for one in measures], **judged})
    else:
        _print(results, measures, judged=margins is not None)
        for sentence in failed:
            errors.print(f"gate: {sentence}", highlight=False, markup=False, soft_wrap=True)
    return bool(failed)


def _plain(one: Measure) -> dict[str, Any]:
    told: dict[str, Any] = plain(one)
    return {**told, "fails": one.fails}


def _print(results: Sequence[Result], measures: Sequence[Measure], *, judged: bool) -> None:
    from vmdirac_py.replay.report.write import summary

    console.print(summary(results))
    columns = ("WHAT", "OLD", "NEW", "RISE", *(("ALLOWED", "VERDICT") if judged else ()))
    console.print(table("New against old", columns, [_row(one, judged=judged) for one in measures]))


def _row(one: Measure, *, judged: bool) -> tuple[str, ...]:
    name = f"{one.name} of VO {one.vo}" if one.vo else one.name
    verdict = (_amount(one, one.margin), "too much" if one.fails else "well") if judged else ()
    return (name, f"{one.old:.6g} {one.unit}", f"{one.new:.6g} {one.unit}", _amount(one, one.rise), *verdict)


def _amount(one: Measure, amount: float) -> str:
    if math.isinf(amount):
        return "from nothing"
    return f"{100 * amount:+.3g} %" if one.share else f"{amount:+.6g} {one.unit}"
