"""Where an axis has its marks, and what is written at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

HOUR, DAY = 3600.0, 86400.0
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
# What people count hours in; days count like other numbers.
HOUR_STEPS = (0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)
DAYS_FROM = 3 * DAY
# Values nearer to each other than this, by their size, are one.
NARROWEST = 1e-6


class Axis(NamedTuple):
    """Values from `low` to `high` with marks; `unit` is what a label counts, `scale` how much one unit is."""

    low: float
    high: float
    marks: tuple[float, ...]
    scale: float = 1.0
    unit: str = ""

    def label(self, mark: float) -> str:
        """Return what is written at a mark."""
        return compact(mark / self.scale)


def numbers(low: float, high: float, *, about: int = 5) -> Axis:
    """Return an axis of about so many marks at round numbers, from a mark to a mark."""
    high = high if high - low > NARROWEST * max(1.0, abs(low)) else max(high, low + 1.0)
    step = _step((high - low) / about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(round(place * step, 10) for place in range(first, last + 1))
    return Axis(marks[0], marks[-1], marks)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * (1 - 1e-9))


def time(end: float, *, about: int = 8) -> Axis:
    """Return an axis of time from 0 to `end` seconds, in hours, or in days when there are more than three."""
    end = max(end, 60.0)
    scale, unit = (DAY, "days") if end > DAYS_FROM else (HOUR, "hours")
    rough = end / scale / about
    step = next((step for step in HOUR_STEPS if step >= rough), _step(rough)) if scale == HOUR else _step(rough)
    if scale == HOUR and rough < HOUR_STEPS[0]:
        step = _step(rough)
    count = math.floor(end / scale / step + 1e-9)
    return Axis(0.0, end, tuple(place * step * scale for place in range(count + 1)), scale, unit)


def compact(value: float) -> str:
    """Return a number in few letters: 0.25, 3, 12 500 as 12.5k, 2 000 000 as 2M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.4g}{letter}"
    return f"{value:.4g}"


def span(seconds: float) -> str:
    """Return a duration in the unit it reads best in."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def highest(curves: Sequence[Sequence[float]]) -> float:
    """Return the largest value of some curves, 0.0 where there are none."""
    return max((max(curve, default=0.0) for curve in curves), default=0.0)
