"""Sums over the jobs and VMs of a replay."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from .api import VoResult


class Tally:
    """One VO's jobs and VMs."""

    __slots__ = ("paid", "used", "vms", "waits", "works")

    def __init__(self) -> None:
        self.waits, self.works = array("d"), array("d")
        self.used = self.paid = 0.0
        self.vms = 0

    def result(self, vo: str, boot: float) -> VoResult:
        """Return it summed up; `boot` is the median boot time in seconds."""
        return VoResult(
            vo=vo,
            jobs=len(self.waits),
            used_core_seconds=self.used,
            paid_core_seconds=self.paid,
            wait_mean=mean(self.waits),
            wait_p95=quantile(sorted(self.waits), 0.95),
            excess_mean=mean(self.excesses(boot)),
            vms=self.vms,
        )

    def excesses(self, boot: float) -> list[float]:
        """Return for each job how much longer than a boot it waited, in seconds."""
        return [max(0.0, wait - boot) for wait in self.waits]


def mean(values: array[float] | list[float]) -> float:
    """Return the mean; 0.0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def quantile(ordered: list[float], share: float) -> float:
    """Return the value below which this share of the ordered values lies (nearest rank); 0.0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def mean_by(pairs: Iterable[tuple[float, float]]) -> float:
    """Return the mean of (weight, value) pairs; 0.0 where nothing weighs."""
    weight = total = 0.0
    for share, value in pairs:
        weight += share
        total += share * value
    return total / weight if weight else 0.0
