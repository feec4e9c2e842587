"""Pictures that compare: pay against wait of several results, paid against used of the VOs of one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from vmdirac_py.replay.api import Result, VoResult

from . import frame, svg, ticks
from .frame import ENTRY, Frame
from .svg import COLOURS, Box

Place = tuple[float, float]
WIDTH = 960
HOUR = 3600.0
SHOWN = 16
"""VOs with bars of their own."""
NUMBER = (16.0, 13.0)
"""What the number beside a point takes, across and upwards."""
DOT = (13.0, 10.0)
"""How far a number must be from the middle of a point."""
BESIDE = (13.0, -8.0)


def pay_against_wait(results: Sequence[Result], name: str) -> str:
    """Draw a point a result: core-hours paid per used, against the mean wait beyond a boot."""
    box = Frame(
        Box(74, 46, 640, 340),
        ticks.numbers(0, max(result.excess_mean for result in results), about=6),
        ticks.numbers(1, max(result.paid_per_used for result in results) * 1.01),
    )
    colours = _colours(results)
    entries = [(f"{place} {result.rule}", colours[result.rule]) for place, result in enumerate(results, 1)]
    parts = [
        *frame.drawn(box, across="mean wait beyond a boot, seconds", up="core-hours paid per used"),
        *_points(box, results, colours),
        *frame.legend(664, 46, entries, longest=38),
    ]
    best = min(results, key=lambda result: result.paid_per_used)
    told = f"{len(results)} results; {best.rule} pays least, {best.paid_per_used:.3f} core-hours for each one used."
    height = max(400, 60 + ENTRY * len(entries))
    return svg.picture(WIDTH, height, parts, name=name, title="Pay against wait", told=told)


def _colours(results: Sequence[Result]) -> dict[str, str]:
    rules = list(dict.fromkeys(result.rule for result in results))
    return {rule: COLOURS[place % len(COLOURS)] for place, rule in enumerate(rules)}


def _points(box: Frame, results: Sequence[Result], colours: dict[str, str]) -> list[str]:
    """Return points with their numbers; a number that had to go elsewhere has a line to its point."""
    places = [(box.x(result.excess_mean), box.y(max(box.up.low, result.paid_per_used))) for result in results]
    numbers: list[Place] = []
    for place in places:
        numbers.append(_free(place, places, numbers))
    leads = [svg.line(*place, *number, "v-grid") for place, number in zip(places, numbers, strict=True)]
    dots = [
        svg.dot(*place, colours[result.rule], told=_told(result)) for place, result in zip(places, results, strict=True)
    ]
    words = [svg.text(x, y + 4, str(n), anchor="middle", kind="v-small") for n, (x, y) in enumerate(numbers, 1)]
    return [*leads, *dots, *words]


def _told(result: Result) -> str:
    return f"{result.rule}: {result.paid_per_used:.3f} paid per used, {result.excess_mean:.0f} s beyond a boot"


def _free(point: Place, points: Sequence[Place], numbers: Sequence[Place]) -> Place:
    """Return the middle of the free place for a number that is nearest beside its point, above or below."""
    x, y = point[0] + BESIDE[0], point[1] + BESIDE[1]
    around = ((x, y + side * step * NUMBER[1] / 2) for step in count() for side in (-1, 1))
    return next(at for at in around if not (_hits(at, points, DOT) or _hits(at, numbers, NUMBER)))


def _hits(at: Place, taken: Sequence[Place], size: tuple[float, float]) -> bool:
    return any(abs(at[0] - x) < size[0] and abs(at[1] - y) < size[1] for x, y in taken)


def of_vos(result: Result, name: str) -> str:
    """Draw paid and used core-hours of each VO, the one that pays most first."""
    rows = _rows(result.vos)
    box = Frame(
        Box(170, 74, 800, 74 + 26 * max(1, len(rows))),
        ticks.numbers(0, max((row.paid_core_seconds for row in rows), default=0.0) / HOUR),
        ticks.numbers(0, 1),
    )
    parts = [
        *_scale(box),
        *frame.legend(170, 40, [("paid for", COLOURS[5])]),
        *frame.legend(270, 40, [("used", COLOURS[0])]),
    ]
    for place, row in enumerate(rows):
        parts += _bars(box, row, box.box.top + 26 * place)
    told = "; ".join(
        f"{row.vo}: {_hours(row.paid_core_seconds)} paid, {_hours(row.used_core_seconds)} used" for row in rows
    )
    title = f"Core-hours by VO: {result.rule} on {result.trace}"
    return svg.picture(WIDTH, int(box.box.bottom) + 60, parts, name=name, title=title, told=told)


def _scale(box: Frame) -> list[str]:
    """Return lines down from the marks, and what they count."""
    top, bottom = box.box.top, box.box.bottom
    parts = [svg.text((box.box.left + box.box.right) / 2, bottom + 40, "core-hours", anchor="middle")]
    for mark in box.across.marks:
        parts.append(svg.line(box.x(mark), top, box.x(mark), bottom, "v-grid"))
        parts.append(svg.text(box.x(mark), bottom + 18, box.across.label(mark), anchor="middle", kind="v-small"))
    return parts


def _bars(box: Frame, row: VoResult, top: float) -> list[str]:
    paid, used = row.paid_core_seconds / HOUR, row.used_core_seconds / HOUR
    left = box.box.left
    ratio = f"{paid / used:.2f} paid per used" if used else "nothing used"
    return [
        svg.text(left - 8, top + 16, svg.short(row.vo, frame.LONGEST), anchor="end"),
        svg.bar(Box(left, top + 3, box.x(paid), top + 11), COLOURS[5], told=f"{row.vo}: {paid:.1f} core-hours paid"),
        svg.bar(Box(left, top + 13, box.x(used), top + 21), COLOURS[0], told=f"{row.vo}: {used:.1f} core-hours used"),
        svg.text(box.x(max(paid, used)) + 6, top + 16, ratio, kind="v-small"),
    ]


def _rows(vos: Sequence[VoResult]) -> list[VoResult]:
    """Return the VOs that pay most, and the others as one."""
    ordered = sorted(vos, key=lambda vo: (-vo.paid_core_seconds, vo.vo))
    if len(ordered) <= SHOWN:
        return ordered
    return [*ordered[: SHOWN - 1], _together(ordered[SHOWN - 1 :])]


def _together(vos: Sequence[VoResult]) -> VoResult:
    jobs = sum(vo.jobs for vo in vos)
    return VoResult(
        vo=f"{len(vos)} other VOs",
        jobs=jobs,
        used_core_seconds=sum(vo.used_core_seconds for vo in vos),
        paid_core_seconds=sum(vo.paid_core_seconds for vo in vos),
        wait_mean=sum(vo.wait_mean * vo.jobs for vo in vos) / jobs if jobs else 0.0,
        wait_p95=max(vo.wait_p95 for vo in vos),
        excess_mean=sum(vo.excess_mean * vo.jobs for vo in vos) / jobs if jobs else 0.0,
        vms=sum(vo.vms for vo in vos),
    )


def _hours(core_seconds: float) -> str:
    return f"{core_seconds / HOUR:.1f}"
