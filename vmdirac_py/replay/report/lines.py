"""What is told of a result in tables, on the page and in the terminal alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vmdirac_py.model.reason import Reason
from vmdirac_py.model.words import words
from vmdirac_py.replay.api import Result

from .ticks import span

HOUR = 3600.0

COLUMNS: Mapping[str, Callable[[Result], str]] = {
    "rule": lambda result: result.rule,
    "trace": lambda result: result.trace,
    "seed": lambda result: str(result.seed),
    "jobs": lambda result: f"{result.jobs}",
    "unserved": lambda result: f"{result.unserved}",
    "paid, core-h": lambda result: f"{result.paid_core_seconds / HOUR:.0f}",
    "used, core-h": lambda result: f"{result.used_core_seconds / HOUR:.0f}",
    "paid / used": lambda result: f"{result.paid_per_used:.3f}",
    "cost": lambda result: f"{result.cost:.2f}",
    "wait, mean": lambda result: span(result.wait_mean),
    "wait, p95": lambda result: span(result.wait_p95),
    "beyond boot": lambda result: span(result.excess_mean),
    "VMs": lambda result: f"{result.vms_started}",
    "peak VMs": lambda result: f"{result.peak_vms}",
    "plans": lambda result: f"{result.plans}",
}
"""Heading → what stands below it; one row a result."""

DETAILS: Mapping[str, Callable[[Result], str]] = {
    "wait, median": lambda result: span(result.wait_p50),
    "wait beyond a boot, weighted by core-seconds": lambda result: span(result.excess_weighted),
    "wait beyond a boot, worst VO": lambda result: f"{span(result.excess_worst_vo)} ({result.worst_vo})",
    "VMs lost": lambda result: f"{result.vms_lost}",
    "jobs that had to run again": lambda result: f"{result.jobs_restarted}",
    "most cores held at once": lambda result: f"{result.peak_cores}",
    "plans that acted": lambda result: f"{result.acting_plans} of {result.plans}",
    "time until the last VM was gone": lambda result: span(result.seconds),
}
"""What is told of each result by itself."""

VOS = ("VO", "jobs", "paid, core-h", "used, core-h", "wait, mean", "wait, p95", "beyond boot", "VMs")


def vo_rows(result: Result) -> list[tuple[str, ...]]:
    """Return a row for each VO, the one that pays most first."""
    return [
        (
            vo.vo, f"{vo.jobs}", f"{vo.paid_core_seconds / HOUR:.1f}", f"{vo.used_core_seconds / HOUR:.1f}",
            span(vo.wait_mean), span(vo.wait_p95), span(vo.excess_mean), f"{vo.vms}",
        )
        for vo in sorted(result.vos, key=lambda vo: (-vo.paid_core_seconds, vo.vo))
    ]  # fmt: skip


def counted(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return names with their counts, the most frequent first."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def reason_rows(result: Result) -> list[tuple[str, int, str]]:
    """Return reasons with how often plans gave them, and what they say; {names} stand for what each named."""
    return [(code, count, words(Reason(code))) for code, count in counted(result.reasons)]
