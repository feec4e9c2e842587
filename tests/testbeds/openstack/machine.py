"""What must be on the machine: Linux, memory, disk, and a few programs of Debian's."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

from tests.testbeds import debian

from .places import Say
from .values import Cannot

PROGRAMS = {
    "mariadb-server-core": Path("/usr/sbin/mariadbd"),
    "mariadb-client-core": Path("/usr/bin/mariadb"),
    "rabbitmq-server": Path("/usr/lib/rabbitmq/bin/rabbitmq-server"),
    "erlang-base": Path("/usr/bin/epmd"),
    "memcached": Path("/usr/bin/memcached"),
    "util-linux": Path("/usr/bin/setpriv"),
    "gcc": Path("/usr/bin/gcc"),
    "libc6-dev": Path("/usr/include/stdio.h"),
}
"""Debian package: the file of it we use."""
MEMORY_MB = 3000
DISK_MB = 1500


def prepare(cache: Path, say: Say) -> None:
    """Check the machine and install what is missing.

    Raises:
        Cannot: the machine will not do, and why.
    """
    if sys.platform != "linux":
        raise Cannot(f"the test bed runs on Linux, this is {sys.platform}")
    _check_room(cache)
    wanted = missing()
    if wanted:
        debian.install(wanted, cache / "apt.log", say)


def missing() -> list[str]:
    """Return the Debian packages that are missing."""
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    files = PROGRAMS if headers.exists() else PROGRAMS | {"python3-dev": headers}
    return [package for package, file in files.items() if not file.exists()]


def _check_room(cache: Path) -> None:
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    memory = int(lines["MemAvailable"].split()[0]) // 1024
    if memory < MEMORY_MB:
        raise Cannot(f"a control plane needs {MEMORY_MB} MiB of memory, {memory} MiB are free")
    disk = shutil.disk_usage(cache).free >> 20
    if disk < DISK_MB:
        raise Cannot(f"a control plane needs {DISK_MB} MiB of disk, {disk} MiB are free", where=str(cache))
