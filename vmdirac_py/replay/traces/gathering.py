"""What readers of all formats share: rows become jobs, are left out and counted, or are refused by line and column."""

from __future__ import annotations

from collections import Counter
from math import ceil
from operator import attrgetter
from pathlib import Path
from typing import NoReturn

from msgspec.structs import replace

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.queue import CPU_SEGMENTS, Shape
from vmdirac_py.replay.api import Trace, TraceJob

LONGEST_GAP = 366 * 86400.0
"""Seconds between the times of two rows beyond which a clock must have jumped."""
MOST = 1e12
"""No number of a trace is larger: seconds since 1970 are, in the year 33658."""

CAUSES = {
    "no_submit_time": "rows without a time of submission",
    "no_run_time": "rows without a run time, as of jobs that never started",
    "zero_run_time": "rows of jobs that ran for no time at all",
    "no_cores": "rows that say neither how many cores were asked for nor how many were given",
}
"""Why rows are left out (`Trace.dropped`)."""
MENDS = {
    "out_of_order": "rows that came after a later one; they are sorted in",
    "requested_time_cut": "rows that ask for more time than DIRAC's longest segment; they get that one",
}
"""What is put right in rows that are kept (`Trace.mended`)."""


def notes(trace: Trace) -> list[str]:
    """Return what was left out of a trace and what was mended, a line for each cause."""
    left = [f"left out: {count} {CAUSES[cause]}" for cause, count in trace.dropped.items()]
    return left + [f"mended: {count} {MENDS[cause]}" for cause, count in trace.mended.items()]


class Gathering:
    """The jobs of one file while it is being read."""

    def __init__(self, path: Path, name: str) -> None:
        self.where = str(path)
        self.name = name
        self.jobs: list[TraceJob] = []
        self.dropped: Counter[str] = Counter()
        self.mended: Counter[str] = Counter()
        self._last: float | None = None
        self._latest = 0.0

    def add(self, job: TraceJob, line: int, column: str) -> None:
        """Keep a job whose `at` is still by the file's own clock; `column` is where that time stands.

        Raises:
            BadInput: the clock jumped.
        """
        at, last = job.at, self._last
        if last is not None and abs(at - last) > LONGEST_GAP:
            self.refuse(line, column, f"the clock jumps from {last:.0f} to {at:.0f}", "mend the time of this row")
        if at < self._latest:
            self.mended["out_of_order"] += 1
        else:
            self._latest = at
        self._last = at
        self.jobs.append(job)

    def segment(self, seconds: float) -> int:
        """Return a requested time in whole seconds; 0.0, none: the default of a DIRAC job."""
        if seconds <= 0:
            return Shape().cpu_seconds
        if seconds > CPU_SEGMENTS[-1]:
            self.mended["requested_time_cut"] += 1
            return CPU_SEGMENTS[-1]
        return ceil(seconds)

    def refuse(self, line: int, column: str, what: str, mend: str) -> NoReturn:
        """Raise BadInput for a row, or one column of it."""
        place = f", {column}" if column else ""
        raise BadInput(what, where=f"{self.where}, line {line}{place}", mend=mend)

    def trace(self) -> Trace:
        """Return the jobs by submission, the first at 0.0.

        Raises:
            BadInput: there is none.
        """
        if not self.jobs:
            left = ", ".join(f"{cause}: {count}" for cause, count in self.dropped.items())
            what = f"holds no job that ran ({left})" if left else "holds no job"
            raise BadInput(what, where=self.where, mend="name a trace with at least one finished job")
        jobs = sorted(self.jobs, key=attrgetter("at")) if self.mended["out_of_order"] else self.jobs
        return Trace(self.name, _from_zero(jobs), dict(+self.dropped), dict(+self.mended))


def _from_zero(jobs: list[TraceJob]) -> tuple[TraceJob, ...]:
    first = jobs[0].at
    return tuple(replace(job, at=job.at - first) for job in jobs) if first else tuple(jobs)


def shown(text: str) -> str:
    """Return what stands in a cell, as an error shows it."""
    return repr(text if len(text) <= 40 else text[:37] + "...")  # noqa: PLR2004 - as wide as a line of an error bears
