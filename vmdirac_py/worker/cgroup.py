"""Control groups, version 1 or 2, behind one interface: bound what a payload takes, count it, end all of it."""

import contextlib
import time
from pathlib import Path
from typing import List, NamedTuple, Optional, Protocol

MB = 2**20
PERIOD = 100_000  # microseconds over which the kernel counts CPU time
_REMOVE_SECONDS = 2.0


class Limits(NamedTuple):
    """The most a payload may take; `ram_mb` 0: no bound."""

    cores: int
    ram_mb: int
    processes: int


class Used(NamedTuple):
    """What a payload took; `out_of_memory`: the kernel ended one of its processes for its limit."""

    cpu_seconds: float = 0.0
    peak_mb: int = 0
    out_of_memory: bool = False


class Group(Protocol):
    """The control group of one payload."""

    doors: List[Path]
    """Files a process writes 0 to, to be inside with all its children."""

    def kill(self) -> bool:
        """End everything inside; return whether nothing is left."""

    def used(self) -> Used:
        """Return what it took so far."""

    def remove(self) -> None:
        """Delete the group; what is still inside keeps it."""


class Tree(Protocol):
    """Where this worker may make control groups."""

    def make(self, name: str, limits: Limits) -> Group:
        """Make a group. Raises OSError when the kernel refuses."""

    def left(self, prefix: str) -> List[Group]:
        """Return the groups whose names begin so."""


def read(path: Path) -> str:
    """Return a file of a control group as text, empty when there is none."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def write(path: Path, text: str) -> None:
    """Set a value. Raises OSError when the kernel refuses it."""
    path.write_text(text, encoding="ascii")


def number(path: Path, key: Optional[str] = None) -> int:
    """Return the number in a file, or after `key` in one of its lines; 0 when it is not there."""
    for line in read(path).splitlines():
        words = line.split()
        if (key is None or words[0] == key) and words[-1].isdigit():
            return int(words[-1])
    return 0


def pids(folder: Path) -> List[int]:
    """Return the processes in a group."""
    return [int(pid) for pid in read(folder / "cgroup.procs").split()]


def remove(folder: Path) -> None:
    """Delete a group's folder, with patience: the kernel takes a moment to bury its dead."""
    until = time.monotonic() + _REMOVE_SECONDS
    while folder.exists():
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        if time.monotonic() > until:
            return
        time.sleep(0.01)
