"""Reading a trace (the one given, else one of 94,000 jobs made and written as CSV): wall seconds, and jobs it held."""

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
        started = time.perf_counter()
        jobs = len(read(path).jobs)
        return {"seconds": time.perf_counter() - started, "jobs": float(jobs)}


def _written(path: Path, jobs: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        recorder = Recorder(stream)
        for job in traces.made(jobs).jobs:
            recorder.write(job)
    return path
