"""Processes found by their mark and ended by their pids."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.wait import until
from tests.testbeds.common import processes
from tests.testbeds.common.processes import Program

STUBBORN = "trap '' TERM; echo up > {}; while :; do sleep 0.05; done"
DAEMON = "setsid sh -c 'echo up > {}; exec sleep 600' & wait"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return a bed's folder; nothing marked with it outlives the test."""
    yield tmp_path
    processes.kill(tmp_path)


def _start(home: Path, name: str, *command: str) -> None:
    processes.start(Program(name, list(command), {}), home=home, log=home, environment=dict(os.environ))


def test_a_started_program_is_found_by_its_name(home: Path) -> None:
    """What was started runs and is known by name, as nobody's child."""
    _start(home, "one", "sleep", "600")
    until(lambda: processes.running(home) == {"one"})
    assert all(process.leads for process in processes.living(home))


def test_stopping_ends_what_is_named_and_nothing_else(home: Path) -> None:
    """The other program of the same bed goes on."""
    _start(home, "one", "sleep", "600")
    _start(home, "two", "sleep", "600")
    until(lambda: processes.running(home) == {"one", "two"})
    processes.stop(home, {"one"})
    assert processes.running(home) == {"two"}


def test_another_bed_is_not_touched(home: Path) -> None:
    """Two beds on a machine do not end each other's programs."""
    other = home / "other"
    other.mkdir()
    _start(other, "one", "sleep", "600")
    until(lambda: processes.running(other) == {"one"})
    processes.stop(home)
    assert processes.running(other) == {"one"}
    processes.kill(other)


def test_what_left_its_session_is_found_too(home: Path) -> None:
    """A daemon that its program detached is ended with it."""
    up = home / "up"
    _start(home, "one", "sh", "-c", DAEMON.format(up))
    until(up.exists)
    assert len([process for process in processes.living(home) if process.leads]) == 2
    processes.stop(home)
    assert processes.living(home) == []


def test_what_will_not_end_is_killed(home: Path) -> None:
    """A program that ignores the request ends all the same, once patience did."""
    up = home / "up"
    _start(home, "one", "sh", "-c", STUBBORN.format(up))
    until(up.exists)
    processes.stop(home, patience=0.2)
    assert processes.living(home) == []


def test_the_words_of_a_program_stand_in_its_log(home: Path) -> None:
    """Both outputs go to one file named after the program."""
    _start(home, "one", "sh", "-c", "echo out; echo err >&2")
    until(lambda: (home / "one.out").read_text() == "out\nerr\n")
