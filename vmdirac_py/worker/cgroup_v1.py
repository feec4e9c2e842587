"""Control groups of version 1: one tree for each controller."""

from pathlib import Path
from typing import Dict, List

from .cgroup import MB, PERIOD, Group, Limits, Used, number, pids, remove, write
from .processes import end_all, kill_each

NEEDED = ("memory", "pids")  # without these nothing is bounded that matters
WANTED = (*NEEDED, "cpu", "cpuacct", "freezer")


class TreeV1:
    """Where this worker stands in each controller's tree."""

    def __init__(self, own: Dict[str, Path]) -> None:
        self._own = own

    def make(self, name: str, limits: Limits) -> Group:
        """Make a group. Raises OSError when the kernel refuses."""
        group = GroupV1({controller: folder / name for controller, folder in self._own.items()})
        group.make(limits)
        return group

    def left(self, prefix: str) -> List[Group]:
        """Return the groups whose names begin so."""
        names = {path.name for folder in self._own.values() for path in folder.glob(f"{prefix}*")}
        return [GroupV1({controller: folder / name for controller, folder in self._own.items()}) for name in names]


class GroupV1:
    """One payload's group in each tree."""

    def __init__(self, folders: Dict[str, Path]) -> None:
        self._folders = folders
        self._one = folders.get("freezer") or folders["pids"]
        self.doors = [folder / "cgroup.procs" for folder in folders.values()]

    def make(self, limits: Limits) -> None:
        """Make the folders and set the limits. Raises OSError."""
        for folder in self._folders.values():
            folder.mkdir(exist_ok=True)
        for controller, name, value in _settings(limits):
            if controller in self._folders:
                path = self._folders[controller] / name
                # Machines without swap accounting have no file for it.
                if path.exists() or not name.startswith("memory.memsw"):
                    write(path, value)

    def kill(self) -> bool:
        """End everything inside; return whether nothing is left."""
        return end_all(self._frozen, self._blow)

    def used(self) -> Used:
        """Return what it took so far; memory counts with the files it keeps in memory."""
        memory = self._folders["memory"]
        return Used(
            number(self._folders["cpuacct"] / "cpuacct.usage") / 1e9 if "cpuacct" in self._folders else 0.0,
            number(memory / "memory.max_usage_in_bytes") // MB,
            number(memory / "memory.oom_control", "oom_kill") > 0,
        )

    def remove(self) -> None:
        """Delete the group; what is still inside keeps it."""
        for folder in self._folders.values():
            remove(folder)

    def _frozen(self) -> List[int]:
        """Return what is inside, frozen, so that nothing forks away from under the blow."""
        self._freeze("FROZEN")
        return pids(self._one)

    def _blow(self, found: List[int]) -> None:
        kill_each(found)
        self._freeze("THAWED")  # the frozen do not die

    def _freeze(self, state: str) -> None:
        path = self._folders.get("freezer", Path("/nowhere")) / "freezer.state"
        if path.exists():
            write(path, state)


def _settings(limits: Limits) -> "list[tuple[str, str, str]]":
    ram = str(limits.ram_mb * MB)
    memory = [("memory", "memory.limit_in_bytes", ram), ("memory", "memory.memsw.limit_in_bytes", ram)]
    return [
        ("cpu", "cpu.cfs_period_us", str(PERIOD)),
        ("cpu", "cpu.cfs_quota_us", str(limits.cores * PERIOD)),
        ("pids", "pids.max", str(limits.processes)),
        *(memory if limits.ram_mb else []),
    ]
