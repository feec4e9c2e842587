"""The bed's processes: started with a mark in their environment, found by it again, stopped by their pids.

The mark is inherited, so that children, daemons that left their session and what a killed `up` left are all found,
and nothing else is ever signalled.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vmdirac_py.base.processes import patience, variables

HOME, NAME = "VMDIRAC_TESTBED_HOME", "VMDIRAC_TESTBED_PROGRAM"
PATIENCE_S = 25.0
"""How long a server may take to end in order before it is killed."""
LOOK_S = 0.05
Words = list[str | Path | int]


@dataclass(frozen=True, slots=True)
class Program:
    """A server of the bed: how it is started."""

    name: str
    command: Words
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Process:
    """One living process of a bed; the first of its program leads a session."""

    pid: int
    program: str
    leads: bool


def start(program: Program, *, home: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Start a program in a session of its own, as nobody's child, its words into a log."""
    # some libraries write process titles over the environment that we look for; SPT_NOENV tells them not to
    marks = {HOME: str(home), NAME: program.name, "SPT_NOENV": "1"}
    with (log / f"{program.name}.out").open("ab") as words:
        subprocess.run(
            ["setsid", "--fork", *(str(word) for word in program.command)],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            cwd=home,
            env={**environment, **program.environment, **marks},
            check=True,
        )


def living(home: Path) -> list[Process]:
    """Return this bed's processes that live."""
    until = patience()
    return [found for pid in _pids() if (found := _read(pid, home, until)) is not None]


def running(home: Path) -> set[str]:
    """Return the names of the programs that run."""
    return {process.program for process in living(home)}


def stop(home: Path, names: set[str] | None = None, *, patience: float = PATIENCE_S) -> None:
    """End the programs of these names (None: all): in order, then what has no leader or no end, by force."""
    end = time.monotonic() + patience
    _signal(home, names, signal.SIGTERM, leaders=True)
    # Erlang's port mapper leads nothing and would outlive its leader for ever
    while any(process.leads for process in _chosen(home, names)) and time.monotonic() < end:
        time.sleep(LOOK_S)
    kill(home, names)


def kill(home: Path, names: set[str] | None = None) -> None:
    """End the programs of these names (None: all) at once."""
    while _chosen(home, names):
        _signal(home, names, signal.SIGKILL, leaders=False)
        time.sleep(LOOK_S)


def _chosen(home: Path, names: set[str] | None) -> list[Process]:
    return [process for process in living(home) if names is None or process.program in names]


def _signal(home: Path, names: set[str] | None, number: signal.Signals, *, leaders: bool) -> None:
    for process in _chosen(home, names):
        if process.leads or not leaders:
            _signal_one(process, home, number)


def _signal_one(process: Process, home: Path, number: signal.Signals) -> None:
    """Signal through a handle taken before a last look: a pid that went to another program meanwhile is not hit."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            if _read(process.pid, home, patience()) is not None:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _read(pid: int, home: Path, until: float) -> Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pairs = [pair.decode(errors="replace") for pair in variables(Path(f"/proc/{pid}"), until)]
    except OSError:
        return None
    marks = dict(pair.split("=", 1) for pair in pairs if pair.startswith((f"{HOME}=", f"{NAME}=")))
    if stat[0] in "ZX" or marks.get(HOME) != str(home):
        return None
    return Process(pid, marks.get(NAME, ""), leads=int(stat[3]) == pid)
