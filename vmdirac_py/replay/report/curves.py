"""Pictures over time: the fleet against the demand, and who waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vmdirac_py.replay.api import Result

from . import frame, svg, ticks
from .frame import Frame
from .svg import COLOURS, Box
from .thin import thinned

WIDTH, HEIGHT = 960, 360
BOX = Box(74, 46, 770, 300)
LEGEND_X = 788
NAMED = 7
"""VOs with a colour of their own; the others share one."""
SHORTEST = 60.0
"""Seconds a time axis has at least."""
PAID, USED, WANTED = COLOURS[5], COLOURS[4], COLOURS[0]


def fleet(result: Result, name: str) -> str:
    """Draw the cores paid, used and wanted over time."""
    series, end = result.series, _end(result)
    curves = [thinned(series.at, values, end=end) for values in (series.paid, series.used, series.wanted)]
    paid, used, wanted = curves
    box = Frame(BOX, ticks.time(end), ticks.numbers(0, ticks.highest(curves)))
    entries = [("paid for", PAID), ("used by jobs", USED), ("wanted", WANTED)]
    parts = [
        *frame.drawn(box, across=f"{box.across.unit} since the first submission", up="cores"),
        svg.area(_over(box, used), USED, opacity=0.55),
        svg.curve(_steps(box, wanted), WANTED, dashes="4 3"),
        svg.curve(_steps(box, paid), PAID),
        *frame.legend(LEGEND_X, BOX.top, entries),
    ]
    told = (
        f"Over {ticks.span(end)} {result.paid_core_seconds / 3600:.0f} core-hours were paid for and "
        f"{result.used_core_seconds / 3600:.0f} used; at most {result.peak_cores} cores were held at once."
    )
    title = f"Fleet against demand: {result.rule} on {result.trace}"
    return svg.picture(WIDTH, HEIGHT, parts, name=name, title=title, told=told)


def waiting(result: Result, name: str) -> str:
    """Draw the waiting jobs over time, VO upon VO."""
    series, end = result.series, _end(result)
    curves = {vo: thinned(series.at, values, end=end) for vo, values in _leading(series.waiting).items()}
    piled = _piled(list(curves.values()))
    box = Frame(BOX, ticks.time(end), ticks.numbers(0, ticks.highest(piled)))
    colours = dict(zip(curves, COLOURS, strict=False))
    # From the highest pile down, each drawn over by the one below it.
    areas = [svg.area(_over(box, pile), colours[vo], opacity=1) for vo, pile in zip(curves, piled, strict=True)][::-1]
    parts = [
        *frame.drawn(box, across=f"{box.across.unit} since the first submission", up="waiting jobs"),
        *areas,
        *frame.legend(LEGEND_X, BOX.top, list(colours.items())[::-1]),
    ]
    told = f"A job waited {ticks.span(result.wait_mean)} on average, 95 in 100 at most {ticks.span(result.wait_p95)}."
    title = f"Waiting jobs by VO: {result.rule} on {result.trace}"
    return svg.picture(WIDTH, HEIGHT, parts, name=name, title=title, told=told)


def _end(result: Result) -> float:
    return max(result.seconds, result.series.at[-1] if result.series.at else 0.0, SHORTEST)


def _leading(waiting_jobs: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """Return the curves of the VOs that wait most, and one for all others."""
    ordered = sorted(waiting_jobs, key=lambda vo: (-sum(waiting_jobs[vo]), vo))
    leading = {vo: waiting_jobs[vo] for vo in ordered[:NAMED]}
    if others := ordered[NAMED:]:
        leading[f"{len(others)} other VOs"] = [
            sum(jobs) for jobs in zip(*(waiting_jobs[vo] for vo in others), strict=True)
        ]
    return leading


def _piled(curves: Sequence[Sequence[float]]) -> list[list[float]]:
    piled: list[list[float]] = []
    for values in curves:
        below = piled[-1] if piled else [0.0] * len(values)
        piled.append([under + value for under, value in zip(below, values, strict=True)])
    return piled


def _steps(box: Frame, columns: Sequence[float]) -> list[tuple[float, float]]:
    """Return a curve's corners, each value level over its column."""
    width = (box.across.high - box.across.low) / max(1, len(columns))
    edges = [(place * width, value) for place, value in enumerate(columns)]
    return [(box.x(x + offset), box.y(value)) for x, value in edges for offset in (0.0, width)]


def _over(box: Frame, columns: Sequence[float]) -> list[tuple[float, float]]:
    """Return the area below a curve."""
    return [(box.x(box.across.low), box.y(0)), *_steps(box, columns), (box.x(box.across.high), box.y(0))]
