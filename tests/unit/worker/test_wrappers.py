"""Payloads of DIRAC's pilot, found among real processes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.wait import until
from vmdirac_py.worker import wrappers
from vmdirac_py.worker.processes import kill_marked
from vmdirac_py.worker.wrappers import Slots

Wrap = Callable[..., None]


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """Return a mark; nothing that bears it outlives the test."""
    own = f"VMDIRAC_PILOT={tmp_path}"
    yield own
    kill_marked(own)


@pytest.fixture
def wrap(tmp_path: Path, mark: str) -> Wrap:
    """Return what starts a job wrapper, and its payload with the cores it was given."""

    def start(job: int, cores: int = 0, marked: str = mark) -> None:
        script, name = tmp_path / f"Wrapper_{job}", marked.partition("=")
        payload = f"JOBID={job} DIRAC_JOB_PROCESSORS={cores} sleep 600 &" if cores else ""
        script.write_text(f"{payload}\nsleep 600\n")
        environment = {"PATH": os.environ["PATH"], name[0]: name[2]}
        subprocess.Popen(["sh", str(script), "-o", "LogLevel=INFO"], env=environment)  # ended by its mark

    return start


def _jobs(mark: str) -> dict[int, int]:
    return wrappers.jobs(list(wrappers.processes(mark)))


def test_each_wrapper_is_a_payload(wrap: Wrap, mark: str) -> None:
    """Its job is in its name, and its cores are what its payload was told."""
    wrap(7)
    wrap(12, cores=4)
    until(lambda: _jobs(mark) == {7: 1, 12: 4})


def test_a_number_without_end_is_no_job() -> None:
    """Whatever a payload calls its processes, looking at them does not fail."""
    nines = b"9" * 5000
    lies = wrappers.Process([b"sh", b"Wrapper_" + nines], [b"JOBID=" + nines])
    true = wrappers.Process([b"sh", b"Wrapper_7"], [b"JOBID=7", b"DIRAC_JOB_PROCESSORS=" + nines])
    assert wrappers.jobs([lies, true]) == {7: 1}


def test_others_payloads_are_not_counted(wrap: Wrap, mark: str) -> None:
    """A wrapper of another VM on the same machine is not ours."""
    other = f"{mark}-other"
    wrap(7)
    wrap(8, marked=other)
    until(lambda: _jobs(other) == {8: 1})
    assert _jobs(mark) == {7: 1}
    kill_marked(other)


def test_a_payload_cannot_pass_for_another_job(mark: str) -> None:
    """Only processes that a wrapper names count: a variable that a payload sets makes no slot."""
    name, _, value = mark.partition("=")
    environment = {"PATH": os.environ["PATH"], name: value, "JOBID": "99", "DIRAC_JOB_PROCESSORS": "8"}
    with subprocess.Popen(["sleep", "600"], env=environment) as process:
        until(lambda: list(wrappers.processes(mark)))
        assert _jobs(mark) == {}
        process.kill()


def test_slots_remember_since_when() -> None:
    """A payload keeps the moment it was first seen, and a change is told once."""
    slots, before = Slots(), time.time()
    assert slots.see({5: 1})
    first = slots.busy()
    assert not slots.see({5: 1})
    assert slots.see({5: 4, 6: 1})
    assert [(slot.job, slot.cores) for slot in slots.busy()] == [(5, 4), (6, 1)]
    assert slots.busy()[0].started_at == first[0].started_at >= before
    assert slots.see({})
    assert slots.busy() == []
