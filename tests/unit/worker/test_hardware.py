from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.worker.hardware import LEAST, Machine, look, short

MEMINFO = "MemTotal:       16374632 kB\nMemFree:         1234 kB\n"
KDUMP_MB = ((4 * 1024, 192), (64 * 1024, 256), (10**9, 512))
"""Memory up to so many MB → what EL 9 sets aside for a crash (`crashkernel=1G-4G:192M,4G-64G:256M,64G-:512M`)."""


def have(**changes: float) -> Machine:
    """Return a machine of 8 cores, 16 GB, 100 GB, without GPUs."""
    return Machine(**{**Machine(8, 16000, 100, 0)._asdict(), **changes})


def tree(folder: Path, nvidia: int = 0, amd: int = 0) -> tuple[Path, Path]:
    """Write a /proc and a /sys with so many GPUs."""
    proc, system = folder / "proc", folder / "sys"
    proc.mkdir()
    (proc / "meminfo").write_text(MEMINFO)
    for number in range(nvidia):
        (proc / f"driver/nvidia/gpus/0000:0{number}:00.0").mkdir(parents=True)
    for number in range(amd + 1):
        node = system / f"class/kfd/kfd/topology/nodes/{number}"
        node.mkdir(parents=True)
        (node / "gpu_id").write_text(f"{number * 1000}\n")
    return proc, system


def test_this_machine_keeps_the_promise_of_what_it_has() -> None:
    """What is read of a real machine is within its own promise."""
    machine = look(Path("/"))
    assert all(not list(short(name, getattr(machine, name), machine)) for name in LEAST)


def test_memory_and_disk_are_read(tmp_path: Path) -> None:
    """Memory is MemTotal in MB, and the disk is that of the work folder."""
    machine = look(tmp_path, *tree(tmp_path))
    assert machine.ram_mb == 16374632 / 1024
    assert machine.disk_gb > 0


@pytest.mark.parametrize("kind", ["nvidia", "amd"])
def test_gpus_are_counted_by_their_drivers(tmp_path: Path, kind: str) -> None:
    """Each device of a driver that is loaded counts; the processors in AMD's list do not."""
    assert look(tmp_path, *tree(tmp_path, **{kind: 2})).gpus == 2


@pytest.mark.parametrize("name", LEAST)
def test_half_of_a_promise_is_too_little(name: str) -> None:
    """A VM of another flavor than promised is told by what is missing."""
    machine = Machine(8, 16000, 100, 2)
    (text,) = short(name, 2 * getattr(machine, name), machine)
    assert name in text


@pytest.mark.parametrize("name", ["cores", "gpus"])
def test_of_cores_and_gpus_none_may_be_missing(name: str) -> None:
    """One less than promised is too little."""
    assert list(short(name, 8, have(**{name: 7})))


def test_more_than_promised_is_well() -> None:
    """The rule is "at least"."""
    assert not list(short("cores", 2, have()))


@given(st.integers(1024, 512 * 1024))
def test_a_kernel_with_a_crash_kernel_keeps_the_promise(promised: int) -> None:
    """Whatever the size, pages (1.6 %), a crash kernel and 60 MB of firmware and kernel may be missing."""
    kdump = next(size for most, size in KDUMP_MB if promised <= most)
    assert not list(short("ram_mb", promised, have(ram_mb=promised * (1 - 64 / 4096) - kdump - 60)))


def test_the_disk_is_that_of_payloads_where_they_have_one(tmp_path: Path) -> None:
    """A file system of its own at their folder counts, and the work folder's does not."""
    own = Path("/dev/shm")
    (tmp_path / "jobs").symlink_to(own)
    size = os.statvfs(own)
    assert look(tmp_path, *tree(tmp_path)).disk_gb == size.f_blocks * size.f_frsize / 1e9
