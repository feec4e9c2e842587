"""Reading a trace (the given one, else 94,000 made jobs as CSV): wall and CPU seconds, and its jobs."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from vmdirac_py.replay.traces.read import read
from vmdirac_py.replay.traces.record import Recorder

from . import traces

RUNS = 3


def measure(*, quick: bool = False) -> dict[str, float]:
    """Read it once."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.environ.get(traces.VARIABLE) or _written(Path(folder) / "made.csv", 9_400 if quick else 94_000)
        started, used = time.perf_counter(), time.process_time()
        jobs = len(read(path).jobs)
        return {
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - used,
            "jobs": float(jobs),
        }


def _written(path: Path, jobs: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        recorder = Recorder(stream)
        for job in traces.made(jobs).jobs:
            recorder.write(job)
    return path
