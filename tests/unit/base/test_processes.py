"""Processes found by their mark, and told dead or alive for sure."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.support.wait import until
from vmdirac_py.base import processes
from vmdirac_py.base.processes import alive, kill_marked, marked, own_name, start_time, surely_dead
from vmdirac_py.worker import processes as of_worker

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


@pytest.fixture(params=[processes, of_worker], ids=["base", "worker"])
def looking(request: pytest.FixtureRequest) -> ModuleType:
    """Return each of the two rooms that look at processes: the worker knows no other room."""
    room: ModuleType = request.param
    return room


def _process(folder: Path, state: str, flags: int, environment_at: int) -> Path:
    """Write what /proc shows of a process that shows no environment."""
    (folder / "environ").write_bytes(b"")
    (folder / "stat").write_text(f"7 (a) b) {state} 1 1 1 0 0 {flags} {'0 ' * 40}{environment_at} 0 0\n")
    return folder


def _sleep(looking: ModuleType, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[float], object]) -> None:
    """Let something happen whenever this room, and nobody else, sleeps."""
    monkeypatch.setattr(looking, "time", SimpleNamespace(monotonic=time.monotonic, sleep=meanwhile))


def test_a_process_that_loads_its_program_is_waited_for(
    looking: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel shows no environment until a program's first pages came from disk: it has one all the same."""
    loading = _process(tmp_path, "D", 0, 0)
    _sleep(looking, monkeypatch, lambda _: (loading / "environ").write_bytes(b"A=b\0"))
    assert b"A=b" in looking.variables(loading, looking.patience())


def test_an_environment_that_comes_between_two_looks_is_seen(
    looking: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that was loaded just after its empty environment was read has one."""
    loaded = _process(tmp_path, "R", 0, 4711)

    def load(_: Path) -> bool:
        (loaded / "environ").write_bytes(b"A=b\0")
        return False

    monkeypatch.setattr(looking, "_loading", load)
    assert b"A=b" in looking.variables(loaded, looking.patience())


@pytest.mark.parametrize(("state", "flags", "at"), [("Z", 0, 0), ("S", 0x00200000, 0), ("R", 0x4, 0), ("S", 0, 4711)])
def test_what_has_no_environment_is_not_waited_for(
    looking: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, flags: int, at: int
) -> None:
    """The dead, the kernel's own threads and what was started without any have nothing to wait for."""
    _sleep(looking, monkeypatch, lambda _: pytest.fail("waited"))
    assert looking.variables(_process(tmp_path, state, flags, at), looking.patience()) == [b""]


def test_no_look_waits_for_ever(looking: ModuleType, tmp_path: Path) -> None:
    """A program whose disk never answers does not hold up whoever looks for others."""
    assert looking.variables(_process(tmp_path, "D", 0, 0), 0.0) == [b""]
