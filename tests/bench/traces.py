"""A trace to measure with: a given one, or one made from a seed that is like the grid's of 2005 in its statistics.

Single cores, a few VOs and users with most of the jobs, users who submit in bursts of like jobs, run times spread
evenly over the orders of magnitude with a few days-long ones, requested times far above them.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator

from vmdirac_py.model.queue import CPU_SEGMENTS, Shape
from vmdirac_py.replay.api import Trace, TraceJob
from vmdirac_py.replay.traces.read import read

VARIABLE = "VMDIRAC_TRACE"
DAY = 86400.0
SPAN = 5.8 * DAY
SHORTEST, LONGEST = 20.0, 2 * DAY
# Share of bursts whose jobs may take days.
DAYS_LONG = 0.22
# How much jobs of one burst differ in the logarithm of their run time.
ALIKE = 0.55
# Weight of the nth VO or user: a few have most.
STEEP = 1.1


def trace(given: str | None = None, *, jobs: int = 94_000, seed: int = 2005) -> Trace:
    """Return the trace at a path, at the one the environment variable VMDIRAC_TRACE names, else one made here."""
    path = given or os.environ.get(VARIABLE)
    return read(path) if path else made(jobs, seed=seed)


def made(jobs: int, *, vos: int = 26, users: int = 190, seed: int = 2005) -> Trace:
    """Return a trace of so many jobs; the same seed, the same trace. Fewer jobs are as dense, over a shorter time."""
    dice = random.Random(seed)
    span = SPAN * min(1.0, jobs / 94_000)
    belongs = {user: _chosen(dice, vos) for user in range(users)}
    rows = sorted(_rows(dice, jobs, users, span))
    return Trace(
        f"made-{seed}",
        tuple(_job(number, row, belongs[row[1]], rows[0][0]) for number, row in enumerate(rows, 1)),
    )


Row = tuple[float, int, float, int]
"""Submission, user, run time, requested time."""


def _rows(dice: random.Random, jobs: int, users: int, span: float) -> Iterator[Row]:
    """Yield jobs burst by burst."""
    left = jobs
    while left > 0:
        size = min(left, math.ceil(dice.paretovariate(0.8)), 1 + jobs // 50)
        left -= size
        yield from _burst(dice, size, _chosen(dice, users), dice.uniform(0, span))


def _burst(dice: random.Random, size: int, user: int, begins: float) -> Iterator[Row]:
    """Yield like jobs of one user, some seconds apart."""
    longest = LONGEST if dice.random() < DAYS_LONG else LONGEST / 6
    typical = dice.uniform(math.log(SHORTEST), math.log(longest))
    requested = next(segment for segment in CPU_SEGMENTS if segment >= min(LONGEST, math.exp(typical + 1.2)))
    at = begins
    for _ in range(size):
        at += dice.expovariate(1 / 20)
        seconds = min(math.exp(dice.gauss(typical, ALIKE)), requested)
        yield round(at, 1), user, round(max(1.0, seconds), 1), requested


def _chosen(dice: random.Random, count: int) -> int:
    """Return one of `count`, low numbers far more often than high ones."""
    weights = [1 / (place + 1) ** STEEP for place in range(count)]
    return dice.choices(range(count), weights)[0]


def _job(number: int, row: Row, vo: int, first: float) -> TraceJob:
    at, user, seconds, requested = row
    shape = Shape(cpu_seconds=requested)
    return TraceJob(number, at - first, f"vo{vo + 1}", f"user{user + 1}", f"vo{vo + 1}", shape, seconds)
