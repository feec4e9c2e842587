from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.wait import until
from vmdirac_py.worker.usage import free_ram_mb, machine_cpu, payload_cpu

BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt', flush=True)\ninput()"


@pytest.fixture
def burner() -> Iterator[str]:
    """Run a payload that used 0.3 CPU seconds in a child, and waits; return the value of its mark."""
    name = f"vm-{os.getpid()}/1.1"
    command = f'{sys.executable} -c "$BURN"'
    environment = {**os.environ, "BURN": BURN, "VMDIRAC_JOB": name}
    process = subprocess.Popen(
        ["sh", "-c", f"{command}; true"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"burnt\n"
    yield name
    process.communicate(b"\n", timeout=20)


def test_what_a_payloads_processes_used(burner: str) -> None:
    """The CPU time of all processes with a payload's mark is its own; a payload without processes used none."""
    until(lambda: payload_cpu([burner, "vm/2.1"])[burner] >= 0.25, seconds=20, what="the CPU time in /proc")
    assert payload_cpu([burner, "vm/2.1"])["vm/2.1"] == 0.0


def test_this_machine() -> None:
    """A machine that runs has used CPU and has memory left."""
    assert machine_cpu() > 1.0
    assert free_ram_mb() > 1


def fake_process(proc: Path, pid: str, cgroup: str, job: str = "") -> None:
    """Write what /proc tells of a process that used 2 s itself and 1 s in children it waited for."""
    folder = proc / pid
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text(cgroup)
    (folder / "environ").write_bytes(f"A=b\0VMDIRAC_JOB={job}\0".encode() if job else b"A=b\0")
    ticks = os.sysconf("SC_CLK_TCK")
    (folder / "stat").write_text(f"{pid} (a) b) S 1 1 1 0 0 0 0 0 0 0 {ticks} {ticks} {ticks} 0 0 0\n")


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Return empty stand-ins for /proc and /sys/fs/cgroup, the worker itself in the root group."""
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    fake_process(proc, "self", "2:cpuacct:/\n0::/\n")
    return proc, cgroups


def test_a_cgroup_of_version_1_counts_all(trees: tuple[Path, Path]) -> None:
    """A payload with a cgroup of its own is counted by that, processes that ended included."""
    proc, cgroups = trees
    fake_process(proc, "7", "3:cpu,cpuacct:/slot1\n0::/\n", job="vm/1.1")
    fake_process(proc, "8", "3:cpu,cpuacct:/slot1/deeper\n0::/\n", job="vm/1.1")
    (cgroups / "cpu,cpuacct" / "slot1").mkdir(parents=True)
    (cgroups / "cpu,cpuacct" / "slot1" / "cpuacct.usage").write_text("42500000000\n")
    assert payload_cpu(["vm/1.1"], proc, cgroups) == {"vm/1.1": 42.5}


def test_a_cgroup_of_version_2_counts_all(trees: tuple[Path, Path]) -> None:
    """The unified hierarchy tells it in microseconds."""
    proc, cgroups = trees
    fake_process(proc, "7", "0::/vmdirac/slot1\n", job="vm/1.1")
    (cgroups / "vmdirac" / "slot1").mkdir(parents=True)
    (cgroups / "vmdirac" / "slot1" / "cpu.stat").write_text("usage_usec 42500000\nuser_usec 1\n")
    assert payload_cpu(["vm/1.1"], proc, cgroups) == {"vm/1.1": 42.5}


@pytest.mark.parametrize("group", ["/", "/shared"])
def test_a_cgroup_of_others_counts_nothing(trees: tuple[Path, Path], group: str) -> None:
    """In the worker's own cgroup, or in one that two payloads share, processes are counted one by one."""
    proc, cgroups = trees
    for pid, job in (("7", "vm/1.1"), ("8", "vm/1.1"), ("9", "vm/2.1")):
        fake_process(proc, pid, f"2:cpuacct:{group}\n", job=job)
    folder = cgroups / "cpuacct" / group.strip("/")
    folder.mkdir(parents=True)
    (folder / "cpuacct.usage").write_text("99000000000\n")
    assert payload_cpu(["vm/1.1", "vm/2.1"], proc, cgroups) == {"vm/1.1": 6.0, "vm/2.1": 3.0}
