"""The gate: whether a changed inventory does as well as the present one on the same trace, within stated margins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import NamedTuple

from vmdirac_py.model.value import Amount, Count, Seconds, Value

from .api import Result

HOUR = 3600.0
ROUNDING = 1e-9
"""Sums of the same numbers in another order differ by less than this part."""


class Margins(Value, frozen=True):
    """How much worse the new inventory may do; rises of cost and paid core-hours are shares of the old."""

    cost_rise: Amount = 0.05
    paid_rise: Amount = 0.05
    wait_rise: Seconds = 30.0
    vo_wait_rise: Seconds = 120.0
    unserved_rise: Count = 0


class Measure(Value, frozen=True):
    """One thing that is compared: `rise` is how much worse it became (below 0: better), `margin` how much it may.

    Both are in the unit of the values, or shares of `old` where `share` says so (infinity: it was nothing before).
    `vo` is whose it is, empty for all together.
    """

    name: str
    unit: str
    old: float
    new: float
    rise: float
    margin: float
    share: bool = False
    vo: str = ""

    @property
    def fails(self) -> bool:
        """Tell whether it is worse than its margin allows."""
        return self.rise > self.margin + ROUNDING

    @property
    def sentence(self) -> str:
        """Return what became worse than allowed, and by how much."""
        whose = f" of VO {self.vo}" if self.vo else ""
        old, new = (f"{value:.6g} {self.unit}".rstrip() for value in (self.old, self.new))
        rise, margin, beyond = map(self._shown, (self.rise, self.margin, self.rise - self.margin))
        if self.rise == inf:
            return f"{self.name}{whose} rises from nothing to {new}; {margin} is allowed"
        return f"{self.name}{whose} rises by {rise}, from {old} to {new}; {margin} is allowed, this is {beyond} more"

    def _shown(self, amount: float) -> str:
        return f"{100 * amount:.3g} %" if self.share else f"{amount:.6g} {self.unit}".rstrip()


class _Told(NamedTuple):
    """How one measure is made."""

    name: str
    unit: str
    read: Callable[[Result], float]
    margin: Callable[[Margins], float]
    share: bool = False


MEASURES = (
    _Told("the cost", "", lambda result: result.cost, lambda given: given.cost_rise, share=True),
    _Told(
        "what is paid",
        "core-h",
        lambda result: result.paid_core_seconds / HOUR,
        lambda given: given.paid_rise,
        share=True,
    ),
    _Told("the mean wait", "s", lambda result: result.wait_mean, lambda given: given.wait_rise),
    _Told("the number of jobs that never ran", "", lambda result: result.unserved, lambda given: given.unserved_rise),
)


def measured(old: Result, new: Result, margins: Margins) -> tuple[Measure, ...]:
    """Return all that is compared; of the waits of single VOs the one that became worst."""
    made = [_measure(told, old, new, margins) for told in MEASURES]
    worst = max(_waits(old, new, margins), key=lambda one: one.rise, default=None)
    return (*made, *([worst] if worst else []))


def failures(measures: Iterable[Measure]) -> tuple[str, ...]:
    """Return a sentence for each margin that is exceeded; none: the gate is open."""
    return tuple(one.sentence for one in measures if one.fails)


def _measure(told: _Told, old: Result, new: Result, margins: Margins) -> Measure:
    before, after = told.read(old), told.read(new)
    rise = _share(before, after) if told.share else after - before
    return Measure(told.name, told.unit, before, after, rise, told.margin(margins), told.share)


def _share(before: float, after: float) -> float:
    if before:
        return after / before - 1.0
    return inf if after else 0.0


def _waits(old: Result, new: Result, margins: Margins) -> Iterable[Measure]:
    """Return the mean wait of each VO that had jobs run with both."""
    was = {vo.vo: vo.wait_mean for vo in old.vos if vo.jobs}
    for vo in new.vos:
        if vo.jobs and vo.vo in was:
            rise = vo.wait_mean - was[vo.vo]
            yield Measure("the mean wait", "s", was[vo.vo], vo.wait_mean, rise, margins.vo_wait_rise, vo=vo.vo)
