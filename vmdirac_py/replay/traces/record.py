"""Write jobs as the CSV that `table.read` reads."""

from __future__ import annotations

import csv
from typing import TextIO

from vmdirac_py.replay.api import TraceJob

COLUMNS = (
    "submit", "vo", "owner", "group", "run_seconds", "requested_seconds", "cores", "max_cores", "whole_node", "ram_mb",
    "gpus", "tags", "sites", "banned_sites", "platforms", "priority",
)  # fmt: skip


class Recorder:
    """Writes one row a job to a text stream (opened with `newline=""`), the header first."""

    def __init__(self, stream: TextIO) -> None:
        self._rows = csv.writer(stream)
        self._rows.writerow(COLUMNS)

    def write(self, job: TraceJob) -> None:
        """Write a job; its `at` is by whatever clock all jobs of this file share."""
        shape = job.shape
        lists = (shape.tags, shape.sites, shape.banned_sites, shape.platforms)
        self._rows.writerow(
            (
                job.at, job.vo, job.owner, job.group, job.seconds, shape.cpu_seconds, shape.min_cores, shape.max_cores,
                int(shape.whole_node), shape.ram_mb, shape.gpus, *map(",".join, lists), job.priority,
            )
        )  # fmt: skip
