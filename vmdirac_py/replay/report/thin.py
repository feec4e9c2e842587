"""A curve of very many steps in as many columns as a picture has."""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS = 720


def thinned(at: Sequence[float], values: Sequence[float], *, end: float, columns: int = COLUMNS) -> list[float]:
    """Return the mean of a curve in each of `columns` equal stretches of 0 to `end`.

    A value holds from its time until the next one's, the last one until `end`; before the first it is 0. Means keep the
    areas under the curves true, which is what paid and used are compared by.
    """
    width = end / columns
    sums = [0.0] * columns
    ends = [*at, end][1:]
    for start, stop, value in zip(at, ends, values, strict=True):
        if value and stop > start:
            _spread(sums, start / width, min(stop, end) / width, value)
    return sums


def _spread(sums: list[float], start: float, stop: float, value: float) -> None:
    """Add a value to the columns it covers, by how much of each."""
    column = int(start)
    while column < len(sums) and start < stop:
        edge = min(stop, column + 1.0)
        sums[column] += value * (edge - start)
        start, column = edge, column + 1
