"""A payload's processes, ended for sure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from vmdirac_py.worker import processes
from vmdirac_py.worker.processes import kill_marked, marked

NAME = "VMDIRAC_TEST_PAYLOAD"
MARK = f"{NAME}={os.getpid()}"


@pytest.fixture
def missed(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A marked process that the first look does not see, as when its parent forks and ends meanwhile."""
    looks: Iterator[list[int]] = iter([[], []])
    monkeypatch.setattr(processes, "marked", lambda mark: next(looks, marked(mark)))
    variables = os.environ | {NAME: MARK.partition("=")[2]}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], env=variables) as process:
        yield process
        process.kill()


def test_one_empty_look_is_not_believed(missed: subprocess.Popen[bytes]) -> None:
    """A process that was just being forked is ended, though a look or two did not see it."""
    assert kill_marked(MARK)
    assert missed.wait(10) == -9


def test_what_cannot_be_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stays makes the answer False, after the time given."""
    monkeypatch.setattr(processes, "marked", lambda _: [2**22 + 1])
    assert not kill_marked(MARK, seconds=0.05)
