"""Control groups of version 2: one tree, the worker's own group handed over by systemd (`Delegate=yes`)."""

import contextlib
import os
from pathlib import Path
from typing import List

from .cgroup import MB, PERIOD, Group, Limits, Used, number, pids, read, remove, write
from .processes import end_all

CONTROLLERS = ("cpu", "memory", "pids")
_LEAF = "worker"  # a group with controllers for its children may hold no process itself


class TreeV2:
    """The worker's own group, which it may divide."""

    def __init__(self, own: Path) -> None:
        self._own = own

    def divide(self) -> None:
        """Move into a leaf, and pass the controllers on to children.

        Raises:
            OSError: the kernel refuses, as when others than this worker run here: they are not ours to move.
        """
        if (self._own / "cgroup.type").exists():  # the root group has no type, and may keep its processes
            (self._own / _LEAF).mkdir(exist_ok=True)
            write(self._own / _LEAF / "cgroup.procs", str(os.getpid()))
        write(self._own / "cgroup.subtree_control", " ".join(f"+{name}" for name in CONTROLLERS))

    def make(self, name: str, limits: Limits) -> Group:
        """Make a group. Raises OSError when the kernel refuses."""
        group = GroupV2(self._own / name)
        group.make(limits)
        return group

    def left(self, prefix: str) -> List[Group]:
        """Return the groups whose names begin so."""
        return [GroupV2(folder) for folder in self._own.glob(f"{prefix}*")]


class GroupV2:
    """One payload's group."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.doors = [folder / "cgroup.procs"]

    def make(self, limits: Limits) -> None:
        """Make the folder and set the limits. Raises OSError."""
        self._folder.mkdir(exist_ok=True)
        write(self._folder / "cpu.max", f"{limits.cores * PERIOD} {PERIOD}")
        write(self._folder / "pids.max", str(limits.processes))
        if limits.ram_mb:
            write(self._folder / "memory.max", str(limits.ram_mb * MB))
            # A payload that lost a process to its limit is of no use to anybody.
            write(self._folder / "memory.oom.group", "1")
            with contextlib.suppress(OSError):  # no swap, no file
                write(self._folder / "memory.swap.max", "0")

    def kill(self) -> bool:
        """End everything inside, by one word to the kernel where it is 5.14 or newer."""
        if (self._folder / "cgroup.kill").exists():
            with contextlib.suppress(OSError):  # then one by one
                write(self._folder / "cgroup.kill", "1")
        return end_all(lambda: pids(self._folder))

    def used(self) -> Used:
        """Return what it took so far (memory from kernel 5.19 on)."""
        return Used(
            number(self._folder / "cpu.stat", "usage_usec") / 1e6,
            number(self._folder / "memory.peak") // MB,
            number(self._folder / "memory.events", "oom_kill") > 0,
        )

    def remove(self) -> None:
        """Delete the group; what is still inside keeps it."""
        remove(self._folder)


def has_controllers(own: Path) -> bool:
    """Tell whether this group may bound CPU, memory and processes."""
    return set(CONTROLLERS) <= set(read(own / "cgroup.controllers").split())
