"""Life tables: the chance to end at an age, and the time that is left, from counts of what ended and what still runs.

The estimate is Kaplan and Meier's (1958) on bins whose edges grow by the square root of two, so that seconds and weeks
are known with like precision: of those that reached a bin, what share ended in it. What still runs counts as having
reached its age and no more.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import log
from typing import NamedTuple

FIRST, STEP, BINS = 30.0, 2**0.5, 33
LOG_STEP = log(STEP)
EDGES = (0.0, *(FIRST * STEP**n for n in range(BINS)))
"""Ages in seconds at which the bins begin and the last one ends: 0, 30, 42 ... 16 days."""
WIDTHS = tuple(after - before for before, after in pairwise(EDGES))
DOUBT = 3.0
"""Payloads that a wider kind is worth beside those of the kind itself."""

Counts = tuple[float, ...]
"""One number per bin."""
NONE: Counts = (0.0,) * BINS
UNKNOWN: Counts = (0.05,) * BINS
"""The chance to end within a bin while nothing is known at all."""
NOBODY = 1e-9
"""A share too small to divide by."""


def bin_of(age: float) -> int:
    """Return the bin of an age in seconds."""
    return 0 if age < FIRST else min(BINS - 1, int(log(age / FIRST) / LOG_STEP) + 1)


class LifeTable(NamedTuple):
    """By edge: the share of payloads that get so old, and how many seconds those then have left on average."""

    share: Counts
    left: Counts

    def remaining(self, age: float) -> float:
        """Return how many seconds a payload of this age is expected to run on."""
        return _between(self.left, age)

    def ends_within(self, age: float, seconds: float) -> float:
        """Return the chance that a payload of this age ends within so many seconds."""
        here = _between(self.share, age)
        return 1.0 - _between(self.share, age + seconds) / here if here > 0 else 1.0


def _between(values: Counts, age: float) -> float:
    # `bin_of`, written out: this is asked for every payload of every plan.
    at = 0 if age < FIRST else min(BINS - 1, int(log(age / FIRST) / LOG_STEP) + 1)
    part = min(1.0, (age - EDGES[at]) / WIDTHS[at])
    return values[at] + (values[at + 1] - values[at]) * part


def hazards(ended: Counts, running: Counts, wider: Counts, cap: float = 0.0) -> Counts:
    """Return the chance to end within each bin for those that reach it.

    Args:
        ended: payloads that ended, by bin.
        running: payloads that still run, by the bin of their age.
        wider: the hazards of the wider kind, which count for `DOUBT` payloads.
        cap: age in seconds that none outlives (0.0: none is known).
    """
    reached = [*accumulate(reversed(ended))][::-1]
    older = [*accumulate(reversed((*running[1:], 0.0)))][::-1]
    found = zip(ended, reached, older, wider, EDGES[1:], strict=True)
    return tuple(
        1.0 if 0.0 < cap <= edge else (died + DOUBT * wide) / (alive + beyond + DOUBT)
        for died, alive, beyond, wide, edge in found
    )


def life_table(chances: Counts) -> LifeTable:
    """Return the life table of these hazards."""
    share = tuple(accumulate(chances, lambda left, chance: left * (1.0 - chance), initial=1.0))
    left = [0.0]
    ahead = 0.0
    for at in range(BINS - 1, -1, -1):
        width = EDGES[at + 1] - EDGES[at]
        ahead += width * 0.5 * (share[at] + share[at + 1])
        left.append(ahead / share[at] if share[at] > NOBODY else 0.5 * width)
    return LifeTable(share, tuple(reversed(left)))
