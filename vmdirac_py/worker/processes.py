"""All processes of a payload, found and ended by a mark in their environment, or by their user.

A mark survives setsid, double forks and re-parenting and needs neither root nor a cgroup. It does not reach a
process that wiped its environment; the payload's process group is killed as well for those that stay in it.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Callable, Iterable, Iterator, List

EMPTY_LOOKS = 3
LOOK_SECONDS = 0.01
END_SECONDS = 5.0
LOADING_SECONDS = 1.0
"""How long one walk waits for processes that load their programs; then they count as without variables."""
_BARE = 0x00200000 | 0x4  # a thread of the kernel, a process that exits: neither will have an environment


def marked(mark: str) -> List[int]:
    """Return the pids of living processes whose environment holds `mark` (`NAME=value`)."""
    wanted, until, found = mark.encode(), patience(), []
    for entry in _others():
        with contextlib.suppress(OSError):
            if wanted in variables(entry, until):
                found.append(int(entry.name))
    return found


def patience() -> float:
    """Return until when (monotonic) a walk through all processes waits for those that load their programs."""
    return time.monotonic() + LOADING_SECONDS


def variables(process: Path, until: float) -> List[bytes]:
    """Return the environment of a process (`/proc/PID`), waiting at most `until` then while it loads its program.

    Between execve and its return the kernel shows no environment at all, for as long as the program's first pages
    take to come from disk. Raises OSError where the process is gone or another user's.
    """
    text = (process / "environ").read_bytes()
    while not text and _loading(process) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        text = (process / "environ").read_bytes()
    # It may have come between the two looks.
    return (text or (process / "environ").read_bytes()).split(b"\0")


def _loading(process: Path) -> bool:
    """Tell whether the environment of a process is yet to be put in place (proc_pid_stat(5): fields 3, 9 and 50)."""
    fields = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    state, flags, starts_at = fields[0], int(fields[6]), fields[47]
    return starts_at == "0" and state not in ("Z", "X") and not flags & _BARE


def of_user(uid: int) -> List[int]:
    """Return the pids of living processes with this real, effective, saved or file system user."""
    wanted, found = str(uid).encode(), []
    for entry in _others():
        with contextlib.suppress(OSError):
            lines = dict(line.split(b":", 1) for line in (entry / "status").read_bytes().splitlines() if b":" in line)
            if wanted in lines[b"Uid"].split() and not lines[b"State"].strip().startswith(b"Z"):
                found.append(int(entry.name))
    return found


def _others() -> Iterator[Path]:
    me = str(os.getpid())
    return (entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and entry.name != me)


def kill_each(pids: Iterable[int]) -> None:
    """SIGKILL these processes; those that are gone or not ours are passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def end_all(
    living: Callable[[], List[int]], kill: Callable[[List[int]], None] = kill_each, seconds: float = END_SECONDS
) -> bool:
    """`kill` whatever `living` finds until nothing is left; return whether nothing is left.

    One empty look is not enough: it can miss a process whose parent forked and ended while it looked.
    """
    until = time.monotonic() + seconds
    empty_looks = 0
    while empty_looks < EMPTY_LOOKS:
        pids = living()
        empty_looks = 0 if pids else empty_looks + 1
        kill(pids)
        if time.monotonic() > until:
            return not pids
        time.sleep(LOOK_SECONDS)
    return True


def kill_marked(mark: str, seconds: float = END_SECONDS) -> bool:
    """SIGKILL every process bearing `mark` until none is left; return whether none is left."""
    return end_all(lambda: marked(mark), seconds=seconds)


def kill_group(leader: int) -> None:
    """SIGKILL the process group of `leader`, which must not have been reaped yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
