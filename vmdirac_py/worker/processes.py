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
    """SIGKILL every process bearing `mark` until none is left; return whether none is left."""
    until = time.monotonic() + seconds
    pids = marked(mark)
    while pids and time.monotonic() < until:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
        pids = marked(mark)
    return not pids


def kill_group(leader: int) -> None:
    """SIGKILL the process group of `leader`, which must not have been reaped yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
