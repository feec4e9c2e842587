"""Whether this machine is as large as its flavor promises, less what kernel and file system take for themselves.

Of the memory, `MemTotal` of /proc/meminfo is what is left when the kernel has taken its own text, its table of pages
(64 bytes for each 4 KiB page, 1.6 %) and what it sets aside for a crash kernel (by the `crashkernel=` lines of EL 8 to
10: 160 to 256 MB up to 64 GB of memory, 480 to 512 MB beyond): a twentieth and 320 MB cover both. Of the disk, a boot
partition (up to 2 GB) and the file system's own tables (at most a tenth) are missing. Of cores and GPUs none may.
"""

import os
from pathlib import Path
from typing import Callable, Dict, Iterator, NamedTuple

from .files import JOBS

LEAST: Dict[str, Callable[[float], float]] = {
    "cores": lambda promised: promised,
    "ram_mb": lambda promised: 0.95 * promised - 320,
    "disk_gb": lambda promised: 0.9 * promised - 2,
    "gpus": lambda promised: promised,
}
"""Promise → the least that keeps it."""

_GB, _KB_IN_MB = 1e9, 1024
_NVIDIA, _AMD = "driver/nvidia/gpus/*", "class/kfd/kfd/topology/nodes/*/gpu_id"


class Machine(NamedTuple):
    """What this machine has: cores this process may use, MB of memory, GB of the disk for payloads, GPUs."""

    cores: float
    ram_mb: float
    disk_gb: float
    gpus: float


def look(work_dir: Path, proc: Path = Path("/proc"), system: Path = Path("/sys")) -> Machine:
    """Return what this machine has. Raises OSError."""
    jobs = work_dir / JOBS
    disk = os.statvfs(jobs if jobs.is_dir() else work_dir)
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        ram_mb=_memory(proc / "meminfo"),
        disk_gb=disk.f_blocks * disk.f_frsize / _GB,
        gpus=len(list(proc.glob(_NVIDIA))) + sum(_is_gpu(node) for node in system.glob(_AMD)),
    )


def short(name: str, promised: float, machine: Machine) -> Iterator[str]:
    """Yield what is wrong where the machine has less of `name` than the promise allows."""
    has, least = getattr(machine, name), LEAST[name](promised)
    if has < least:
        yield f"{name}: the flavor promises {promised:g}, here are {has:.6g} (at least {least:.6g} are needed)"


def _memory(meminfo: Path) -> float:
    lines = (line.partition(":") for line in meminfo.read_text(encoding="ascii").splitlines())
    return next(int(value.split()[0]) / _KB_IN_MB for name, _, value in lines if name == "MemTotal")


def _is_gpu(node: Path) -> bool:
    # The driver lists the processors as nodes too, with the id 0.
    return node.read_text(encoding="ascii").strip() not in ("", "0")
