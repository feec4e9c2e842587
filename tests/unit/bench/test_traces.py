"""The trace the bench makes when it is given none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.bench import traces
from vmdirac_py.base.errors import UnknownThing


def test_the_same_seed_makes_the_same_trace() -> None:
    """A made trace depends on its seed alone, and has the jobs it was asked for, by submission, from 0.0."""
    one = traces.made(3000, seed=5)
    assert one == traces.made(3000, seed=5)
    assert one != traces.made(3000, seed=6)
    times = [job.at for job in one.jobs]
    assert (len(times), times[0], times) == (3000, 0.0, sorted(times))


def test_it_is_like_the_grids() -> None:
    """Few users have most jobs, run times span the orders of magnitude, and nobody runs longer than was asked for."""
    jobs = traces.made(20_000).jobs
    users = Counter(job.owner for job in jobs).most_common()
    assert sum(count for _, count in users[:10]) > len(jobs) / 3
    assert len({job.vo for job in jobs}) >= 15
    runs = sorted(job.seconds for job in jobs)
    assert runs[len(runs) // 10] < 120 < runs[len(runs) // 2] < 3600 < runs[len(runs) * 9 // 10]
    assert all(job.seconds <= job.shape.cpu_seconds for job in jobs)


def test_a_given_trace_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path given, else the one in the environment, is read; a made trace is for want of both."""
    path = tmp_path / "mine.csv"
    path.write_text("submit,vo,run_seconds\n0,a,5\n")
    assert traces.trace(str(path)).name == "mine"
    monkeypatch.setenv(traces.VARIABLE, str(tmp_path / "nothing.csv"))
    with pytest.raises(UnknownThing):
        traces.trace()
    monkeypatch.delenv(traces.VARIABLE)
    assert traces.trace(jobs=100).name == "made-2005"
