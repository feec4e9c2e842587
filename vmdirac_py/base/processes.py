"""Whole process trees, found and ended by a mark in their environment.

A mark survives `setsid`, double forks and re-parenting, and needs neither root nor a cgroup
(Linux: `/proc/PID/environ`). It does not reach a process that wiped its environment or changed its uid.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import time
from pathlib import Path

EMPTY_LOOKS = 3
LOOK_SECONDS = 0.01
LOADING_SECONDS = 1.0
"""How long one walk waits for processes that load their programs; then they count as without variables."""
_BARE = 0x00200000 | 0x4  # a thread of the kernel, a process that exits: neither will have an environment


def marked(mark: str) -> list[int]:
    """Return the pids of living (non-zombie) processes whose environment holds `mark` (`NAME=value`)."""
    wanted, until = mark.encode(), patience()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in variables(entry, until):
                    found.append(int(entry.name))
    return found


def patience() -> float:
    """Return until when (monotonic) a walk through all processes waits for those that load their programs."""
    return time.monotonic() + LOADING_SECONDS


def variables(process: Path, until: float) -> list[bytes]:
    """Return the environment of a process (`/proc/PID`), waiting at most `until` then while it loads its program.

    Between `execve` and its return the kernel shows no environment at all, for as long as the program's first
    pages take to come from disk.

    Raises:
        OSError: it is gone, or it is another user's.
    """
    while not (text := (process / "environ").read_bytes()) and _loading(process) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    # It may have come between the two looks.
    return (text or (process / "environ").read_bytes()).split(b"\0")


def _loading(process: Path) -> bool:
    """Tell whether the environment of a process is yet to be put in place (proc_pid_stat(5): fields 3, 9 and 50)."""
    fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
    state, flags, starts_at = fields[0], int(fields[6]), fields[47]
    return starts_at == "0" and state not in {"Z", "X"} and not flags & _BARE


def kill_marked(mark: str, *, seconds: float = 5.0) -> bool:
    """SIGKILL every process bearing `mark`, again until none is left; return whether none is left.

    One empty look is not enough: it can miss a process whose parent forked and ended while it looked.
    """
    until = time.monotonic() + seconds
    empty_looks = 0
    while empty_looks < EMPTY_LOOKS:
        pids = marked(mark)
        empty_looks = 0 if pids else empty_looks + 1
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            return not pids
        time.sleep(LOOK_SECONDS)
    return True


def start_time(pid: int) -> int | None:
    """Return the kernel's start time of `pid` in clock ticks, or None when it is gone or a zombie.

    Together with the pid it names a process for good: pids are reused, pairs are not.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def alive(pid: int, started: int) -> bool:
    """Tell whether the process `(pid, started)` still lives."""
    return start_time(pid) == started


def own_name(actor: str) -> str:
    """Return a name for this process as the one that acts for `actor`; `surely_dead` can tell when it is gone."""
    return f"{actor} (pid {os.getpid()} since {start_time(os.getpid())} on {_here()})"


def surely_dead(name: str) -> bool:
    """Tell whether the process that gave itself this `own_name` lived here and is gone; False when in doubt."""
    match = re.search(r"\(pid (\d+) since (\d+) on (.+)\)$", name)
    return match is not None and match[3] == _here() and not alive(int(match[1]), int(match[2]))


def _here() -> str:
    """Return where pids mean the same: this host, since this boot, in this pid namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
