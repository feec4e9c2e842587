"""All processes of a payload, found and ended by a mark in their environment.

A mark survives setsid, double forks and re-parenting and needs neither root nor a cgroup. It does not reach a
process that wiped its environment; the payload's process group is killed as well for those that stay in it.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import List

EMPTY_LOOKS = 3
LOOK_SECONDS = 0.01


def marked(mark: str) -> List[int]:
    """Return the pids of living processes whose environment holds `mark` (`NAME=value`)."""
    wanted = mark.encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def kill_marked(mark: str, seconds: float = 5.0) -> bool:
    """SIGKILL every process bearing `mark` until none is left; return whether none is left.

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


def kill_group(leader: int) -> None:
    """SIGKILL the process group of `leader`, which must not have been reaped yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
