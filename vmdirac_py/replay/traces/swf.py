"""The Standard Workload Format: one job a line, 18 numbers, -1 where a number is not known, header lines after `;`.

Its definition: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import TextIO

from vmdirac_py.model.queue import Shape
from vmdirac_py.replay.api import TraceJob

from .gathering import MOST, Gathering, shown

FIELDS = 18
# Column (from 0) → its name in the definition, for those that are used.
COLUMNS = {
    1: "submit time",
    3: "run time",
    4: "allocated processors",
    7: "requested processors",
    8: "requested time",
    9: "requested memory",
    11: "user",
    12: "group",
    15: "partition",
}
PARTITION = re.compile(r";\s*Partition:\s*(\d+)\s+(\S+)")
KB = 1024


def read(stream: TextIO, into: Gathering, *, sites: bool = False) -> None:
    """Gather the jobs of a text.

    Group n is VO `vo{n}`, user n owner `user{n}`; the partition becomes a job's site when `sites` says so.

    Raises:
        BadInput: a line that is no job.
    """
    lines = _Lines(into, sites=sites)
    for number, text in enumerate(stream, 1):
        if text.startswith(";"):
            lines.header(text)
        elif parts := text.split():
            lines.job(number, parts)


class _Lines:
    """Line after line into jobs."""

    def __init__(self, into: Gathering, *, sites: bool) -> None:
        self.into = into
        self.sites = sites
        self.names: dict[int, str] = {}
        self.shape = cache(self._shape)

    def header(self, text: str) -> None:
        if found := PARTITION.match(text):
            self.names[int(found[1])] = found[2]

    def job(self, line: int, parts: list[str]) -> None:
        """Gather or drop one job."""
        submit, run, given, wanted, requested, memory, user, group, partition = self._numbers(line, parts)
        cores = wanted if wanted > 0 else given
        if cause := _unusable(submit, run, cores):
            self.into.dropped[cause] += 1
            return
        vo = f"vo{group:.0f}" if group >= 0 else "unknown"
        owner = f"user{user:.0f}" if user >= 0 else "unknown"
        shape = self.shape(int(cores), self.into.segment(requested), memory, partition if self.sites else -1.0)
        self.into.add(TraceJob(len(self.into.jobs) + 1, submit, vo, owner, vo, shape, run), line, COLUMNS[1])

    def _numbers(self, line: int, parts: list[str]) -> list[float]:
        if len(parts) != FIELDS:
            mend = "mend the line, or name the format"
            self.into.refuse(line, "", f"{len(parts)} columns, the format has {FIELDS}", mend)
        try:
            numbers = [float(parts[column]) for column in COLUMNS]
        except ValueError:
            self._complain(line, parts)
        negative = [number for number in numbers if number < 0]
        if negative.count(-1.0) != len(negative) or not sum(numbers) < MOST:  # also true when one is no number (nan)
            self._complain(line, parts)
        return numbers

    def _complain(self, line: int, parts: Sequence[str]) -> None:
        """Refuse the first number that is none, or is negative but for the -1 that says it is not known."""
        for column, name in COLUMNS.items():
            value = _number(parts[column])
            if not (0 <= value < MOST or value == -1):
                mend = "write a number, -1 where it is not known"
                self.into.refuse(line, f"column {column + 1} ({name})", f"cannot be {shown(parts[column])}", mend)

    def _shape(self, cores: int, cpu_seconds: int, memory: float, partition: float) -> Shape:
        ram_mb = math.ceil(memory * cores / KB) if memory > 0 else 0
        place = int(partition)
        wish = (self.names.get(place, f"site{place}"),) if place >= 0 else ()
        return Shape(cores, cores, ram_mb=ram_mb, cpu_seconds=cpu_seconds, sites=wish)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _unusable(submit: float, run: float, cores: float) -> str:
    """Return why a row is left out, empty when it is not."""
    if submit < 0:
        return "no_submit_time"
    if run <= 0:
        return "zero_run_time" if run == 0 else "no_run_time"
    return "no_cores" if cores < 1 else ""
