"""What must be on the machine: Linux, memory, disk, and a few programs of Debian's."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.testbeds import debian

from .errors import Cannot
from .places import Say


@dataclass(frozen=True, slots=True)
class Needs:
    """What a bed needs: Debian packages, each with the file of it that is used, and room in MiB."""

    programs: Mapping[str, Path]
    memory_mb: int
    disk_mb: int

    def missing(self) -> list[str]:
        """Return the Debian packages that are missing."""
        headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
        files = {**self.programs} if headers.exists() else {**self.programs, "python3-dev": headers}
        return [package for package, file in files.items() if not file.exists()]

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
            debian.install(wanted, cache / "apt.log", say)

    def _check_room(self, cache: Path) -> None:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        memory = int(lines["MemAvailable"].split()[0]) // 1024
        if memory < self.memory_mb:
            raise Cannot(f"the bed needs {self.memory_mb} MiB of memory, {memory} MiB are free")
        disk = shutil.disk_usage(cache).free >> 20
        if disk < self.disk_mb:
            raise Cannot(f"the bed needs {self.disk_mb} MiB of disk, {disk} MiB are free", where=str(cache))
