"""A VM's private folder: its seed, the layers of its file system, and the clean environment it starts with."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

HERE = Path(__file__).parent
GUEST = HERE / "guest.py"
CLEAN_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def make_disk(disk: Path, init: bytes, seed: str) -> None:
    """Make a VM's folder: its seed, and the place where an interpreter may be bound. Raises OSError."""
    remove_disk(disk)
    (disk / "seed").mkdir(parents=True)
    (disk / "python").mkdir()
    (disk / "root").mkdir()
    shutil.copyfile(HERE / "vm.sh", disk / "seed" / "vm.sh")
    (disk / "seed" / "init.py").write_bytes(init)
    (disk / "seed" / "seed.json").write_text(seed)


def remove_disk(disk: Path) -> None:
    """Remove a VM's folder; an overlay leaves folders of mode 000 behind."""
    for folder, _, _ in os.walk(disk):
        _open_up(Path(folder))
    shutil.rmtree(disk, ignore_errors=True)


def _open_up(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for inner in os.scandir(folder):
            if inner.is_dir(follow_symlinks=False):
                Path(inner.path).chmod(0o700)
