"""Processes found by their mark, and told dead or alive for sure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.wait import until
from vmdirac_py.base.processes import alive, kill_marked, marked, own_name, start_time, surely_dead

MARK = f"VMDIRAC_TEST_MARK={os.getpid()}"
DOUBLE_FORK = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(1000)"


@pytest.fixture
def escaped() -> Iterator[None]:
    """A process that forked twice and left its session, with the mark in its environment."""
    name, value = MARK.split("=")
    subprocess.run([sys.executable, "-c", DOUBLE_FORK], env=os.environ | {name: value}, check=True)
    until(lambda: len(marked(MARK)) == 1)
    yield
    kill_marked(MARK)


@pytest.mark.usefixtures("escaped")
def test_a_mark_reaches_what_escaped_its_session() -> None:
    """Double forks and setsid do not hide a process from its mark."""
    assert kill_marked(MARK)
    assert marked(MARK) == []


def test_a_living_process_is_not_called_dead() -> None:
    """We are alive, and whoever asks is told so."""
    started = start_time(os.getpid())
    assert started is not None
    assert alive(os.getpid(), started)
    assert not surely_dead(own_name("scheduler"))


def test_a_process_that_ended_is_dead_also_when_its_pid_lives_again() -> None:
    """A pid counts only with its start time: the same number is another process."""
    name = own_name("scheduler")
    earlier = name.replace(f"since {start_time(os.getpid())} ", "since 1 ")
    assert surely_dead(earlier)


@pytest.mark.parametrize("name", ["unix:ann", "scheduler (pid 1 since 1 on elsewhere/0/0)", ""])
def test_in_doubt_nobody_is_dead(name: str) -> None:
    """A process of another machine, or a name we did not make, is never called dead."""
    assert not surely_dead(name)
