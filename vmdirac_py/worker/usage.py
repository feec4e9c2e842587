"""What the machine and its payloads use: CPU, memory."""

import contextlib
import os
from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, List

from .payload import MARK
from .processes import patience, variables

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE_FIELDS = (3, 4, 7)  # of /proc/stat: idle, waiting for a disk, stolen by the hypervisor
_COUNTED_FIELDS = 8  # those after are parts of the first two
_OWN_TIMES = slice(11, 15)  # of /proc/PID/stat after the name: user, system, and both of children that were waited for
_V1 = ("cpuacct", "cpu,cpuacct")


def machine_cpu(proc: Path = _PROC) -> float:
    """Return the CPU seconds this machine has used since its boot. Raises OSError."""
    with (proc / "stat").open(encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1 : 1 + _COUNTED_FIELDS]]
    return (sum(fields) - sum(fields[place] for place in _IDLE_FIELDS)) / _TICKS


def free_ram_mb(proc: Path = _PROC) -> int:
    """Return the memory that could be given to new processes, MB. Raises OSError."""
    with (proc / "meminfo").open(encoding="ascii") as file:
        found = next((line.split()[1] for line in file if line.startswith("MemAvailable:")), "0")
    return int(found) // 1024


def payload_cpu(names: Iterable[str], proc: Path = _PROC, cgroups: Path = _CGROUPS) -> Dict[str, float]:
    """Return the CPU seconds of payloads by their marks' values (`VM/JOB.ATTEMPT`).

    From the payload's cgroup, if it has one that is not also ours or another payload's; else from its processes, which
    leaves out those that ended without being waited for.
    """
    pids = _marked(frozenset(names), proc)
    groups = {name: _cgroup(found, proc) for name, found in pids.items()}
    users = Counter(groups.values())
    ours = _cgroup_of("self", proc)
    used = {}
    for name, found in pids.items():
        own = groups[name] if groups[name] != ours and users[groups[name]] == 1 else ""
        counted = _of_cgroup(own, cgroups) if own else 0.0
        used[name] = counted or sum(_of_process(pid, proc) for pid in found)
    return used


def _marked(names: "frozenset[str]", proc: Path) -> Dict[str, List[str]]:
    """Return the processes of each payload, found by one walk through all of them."""
    found: Dict[str, List[str]] = {name: [] for name in names}
    start, until = f"{MARK}=".encode(), patience()
    for entry in proc.iterdir() if names else ():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                marks = {one for one in variables(entry, until) if one.startswith(start)}
                for name in {one[len(start) :].decode("utf-8", "replace") for one in marks}:
                    found.get(name, []).append(entry.name)
    return found


def _of_process(pid: str, proc: Path) -> float:
    try:
        text = (proc / pid / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    return sum(int(field) for field in text.rpartition(")")[2].split()[_OWN_TIMES]) / _TICKS


def _cgroup(pids: Iterable[str], proc: Path) -> str:
    """Return the cgroup that holds all of these processes: a payload may have made more below its own."""
    found = [group for group in (_cgroup_of(pid, proc) for pid in pids) if group]
    return min(found, key=len, default="")


def _cgroup_of(pid: str, proc: Path) -> str:
    """Return a process's cgroup that counts CPU, as CONTROLLERS:PATH (v2: `:PATH`), empty when there is none."""
    try:
        lines = (proc / pid / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    parts = [line.split(":", 2) for line in lines]
    counting = [part for part in parts if "cpuacct" in part[1].split(",")] or [part for part in parts if not part[1]]
    return f"{counting[0][1]}:{counting[0][2]}" if counting else ""


def _of_cgroup(group: str, cgroups: Path) -> float:
    controllers, _, path = group.partition(":")
    inner = path.lstrip("/")
    if controllers:
        return max(_number(cgroups / root / inner / "cpuacct.usage") for root in (controllers, *_V1)) / 1e9
    return _stat(cgroups / inner / "cpu.stat") or _stat(cgroups / "unified" / inner / "cpu.stat")


def _number(path: Path) -> float:
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


def _stat(path: Path) -> float:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1e6 for line in lines if line.startswith("usage_usec")), 0.0)
