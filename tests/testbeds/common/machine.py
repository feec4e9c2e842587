"""What must be on the machine: Linux, memory, disk, and a few programs of Debian's."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .errors import Broke, Cannot
from .places import Say


@dataclass(frozen=True, slots=True)
class Needs:
    """What a bed needs: Debian packages, each with the file of it that is used, and room in MiB.

    `headers`: Python's own as well, because something is compiled.
    """

    programs: Mapping[str, Path]
    memory_mb: int
    disk_mb: int
    headers: bool = True

    def missing(self) -> list[str]:
        """Return the Debian packages that are missing."""
        compiling = {"python3-dev": Path(sysconfig.get_paths()["include"]) / "Python.h"} if self.headers else {}
        return [package for package, file in {**self.programs, **compiling}.items() if not file.exists()]

    def prepare(self, cache: Path, say: Say) -> None:
        """Check the machine and install what is missing.

        Raises:
            Cannot: the machine will not do, and why.
        """
        if sys.platform != "linux":
            raise Cannot(f"the test bed runs on Linux, this is {sys.platform}")
        self._check_room(cache)
        wanted = self.missing()
        if wanted:
            _install(wanted, cache / "apt.log", say)

    def _check_room(self, cache: Path) -> None:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        memory = int(lines["MemAvailable"].split()[0]) // 1024
        if memory < self.memory_mb:
            raise Cannot(f"the bed needs {self.memory_mb} MiB of memory, {memory} MiB are free")
        disk = shutil.disk_usage(cache).free >> 20
        if disk < self.disk_mb:
            raise Cannot(f"the bed needs {self.disk_mb} MiB of disk, {disk} MiB are free", where=str(cache))


def _install(packages: list[str], log: Path, say: Say) -> None:
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Cannot(f"missing here: {names}", mend=f"as root: apt-get install --no-install-recommends {names}")
    say(f"installing Debian's {names}")
    # runlevel 1 keeps the packages from starting their own servers, whatever the machine's policy says
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "-qy", "-o", "DPkg::Lock::Timeout=900", "install", "--no-install-recommends", *packages]
    # dpkg must not be ended halfway, whatever becomes of us
    try:
        tools.run(["apt-get", "-q", "update"], log=log, environment=environment, bound=())
        tools.run(install, log=log, environment=environment, bound=())
    except Broke as broke:
        raise Cannot(f"apt-get could not install {names}: {broke.what}", where=str(log)) from None
