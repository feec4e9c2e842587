"""The exact optimum, by HiGHS: how many VMs of which pool with which fill, and how many jobs are left waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

GAP = 0.005
SECONDS = 120.0
Fill = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Jobs by shape with what one needs and what it costs while it waits; pools with size and price; bounds.

    A bound is what one VM of each pool counts, and the most all may count together.
    """

    jobs: Sequence[int]
    needs: Sequence[Sequence[int]]
    values: Sequence[float]
    sizes: Mapping[str, Sequence[int]]
    prices: Mapping[str, float]
    bounds: Sequence[tuple[Mapping[str, int], int]]


@dataclass(frozen=True, slots=True)
class Best:
    """A solution: its `cost`, the `bound` that no solution can go below, and whether they are within the gap."""

    cost: float
    bound: float
    proved: bool
    vms: Mapping[str, int]
    unserved: Sequence[int]


def solve(problem: Problem, gap: float = GAP) -> Best:
    """Return the optimum within a relative gap; unproved when that took too long.

    A column is a fill of one VM into which no further job fits. Each such VM may serve fewer jobs than that, so these
    columns are enough.
    """
    columns = [(pool, fill) for pool, size in problem.sizes.items() for fill in fills(problem, size)]
    model = _model(problem, columns, gap)
    model.run()
    info, values = model.getInfo(), list(model.getSolution().col_value)
    shapes = len(problem.jobs)
    vms = Counter[str]()
    for (pool, _), count in zip(columns, values[shapes:], strict=True):
        vms[pool] += round(count)
    proved = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    cost, bound = info.objective_function_value, info.mip_dual_bound
    return Best(cost, bound, proved, +vms, [round(value) for value in values[:shapes]])


def _model(problem: Problem, columns: Sequence[tuple[str, Fill]], gap: float) -> highspy.Highs:
    model = highspy.Highs()
    for option, value in {"output_flag": False, "threads": 1, "time_limit": SECONDS, "mip_rel_gap": gap}.items():
        model.setOptionValue(option, value)
    none, no_values = np.array([], dtype=np.int32), np.array([], dtype=np.double)
    for jobs in problem.jobs:
        model.addRow(jobs, highspy.kHighsInf, 0, none, no_values)
    for _, most in problem.bounds:
        model.addRow(-highspy.kHighsInf, most, 0, none, no_values)
    for row, value in enumerate(problem.values):
        _add(model, value, {row: 1})
    for pool, fill in columns:
        shapes = len(fill)
        used = {shapes + row: uses.get(pool, 0) for row, (uses, _) in enumerate(problem.bounds)}
        _add(model, problem.prices[pool], dict(enumerate(fill)) | used)
    return model


def _add(model: highspy.Highs, cost: float, entries: Mapping[int, int]) -> None:
    some = {row: entry for row, entry in entries.items() if entry}
    rows, values = np.array(list(some), dtype=np.int32), np.array(list(some.values()), dtype=np.double)
    model.addCol(cost, 0, highspy.kHighsInf, len(some), rows, values)
    model.changeColIntegrality(model.getNumCol() - 1, highspy.HighsVarType.kInteger)


def fills(problem: Problem, size: Sequence[int]) -> Iterator[Fill]:
    """Yield all fills of a VM to which no job can be added."""
    found = _from(problem, 0, tuple(size), ())
    return (fill for fill, free in found if not _takes_more(problem, fill, free))


def _from(problem: Problem, at: int, free: Fill, taken: Fill) -> Iterator[tuple[Fill, Fill]]:
    if at == len(problem.needs):
        yield taken, free
        return
    need = problem.needs[at]
    most = min([problem.jobs[at], *(have // part for have, part in zip(free, need, strict=True) if part)])
    # The last shape is always taken as often as it fits.
    for count in range(most, most - 1 if at == len(problem.needs) - 1 else -1, -1):
        left = tuple(have - count * part for have, part in zip(free, need, strict=True))
        yield from _from(problem, at + 1, left, (*taken, count))


def _takes_more(problem: Problem, fill: Fill, free: Fill) -> bool:
    return any(
        count < jobs and all(part <= have for part, have in zip(need, free, strict=True))
        for count, jobs, need in zip(fill, problem.jobs, problem.needs, strict=True)
    )
