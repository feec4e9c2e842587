"""Control groups: version 1 against the kernel where we may, version 2 against a tree of plain files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vmdirac_py.worker import cgroup_find
from vmdirac_py.worker.cgroup import Limits, Used
from vmdirac_py.worker.cgroup_find import Mount, folder_of, own_places, read_mounts
from vmdirac_py.worker.cgroup_v1 import TreeV1
from vmdirac_py.worker.cgroup_v2 import TreeV2, has_controllers

LIMITS = Limits(cores=2, ram_mb=100, processes=50)
HYBRID = """\
28 27 0:25 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
30 28 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw
31 28 0:28 /docker/a /sys/fs/cgroup/memory rw,nosuid shared:11 - cgroup cgroup rw,memory
32 28 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:12 - cgroup cgroup rw,cpu,cpuacct
"""


@pytest.fixture
def tree(tmp_path: Path) -> TreeV2:
    """A tree of version 2 whose controllers are handed over."""
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    return TreeV2(tmp_path)


def test_version_2_limits(tree: TreeV2, tmp_path: Path) -> None:
    """Cores, memory without swap, and the number of processes are what the kernel is told."""
    group = tree.make("vmdirac-1", LIMITS)
    told = {path.name: path.read_text() for path in (tmp_path / "vmdirac-1").iterdir()}
    assert told == {
        "cpu.max": "200000 100000",
        "pids.max": "50",
        "memory.max": "104857600",
        "memory.swap.max": "0",
        "memory.oom.group": "1",
    }
    assert group.doors == [tmp_path / "vmdirac-1" / "cgroup.procs"]


def test_version_2_leaves_memory_free_when_no_limit_is_known(tree: TreeV2, tmp_path: Path) -> None:
    """Without a number of MB no memory limit is set."""
    tree.make("vmdirac-1", LIMITS._replace(ram_mb=0))
    assert not (tmp_path / "vmdirac-1" / "memory.max").exists()


def test_version_2_accounts(tree: TreeV2, tmp_path: Path) -> None:
    """CPU time, peak memory and processes ended for memory are read from the kernel's files; missing ones are 0."""
    group = tree.make("g", LIMITS)
    assert group.used() == Used()
    (tmp_path / "g" / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (tmp_path / "g" / "memory.peak").write_text("52428800\n")
    (tmp_path / "g" / "memory.events").write_text("low 0\noom 2\noom_kill 1\n")
    assert group.used() == Used(2.5, 50, out_of_memory=True)


def test_version_2_ends_all_by_one_word(tree: TreeV2, tmp_path: Path) -> None:
    """Where the kernel can end a group at once, it is told to."""
    group = tree.make("g", LIMITS)
    (tmp_path / "g" / "cgroup.kill").touch()
    assert group.kill()
    assert (tmp_path / "g" / "cgroup.kill").read_text() == "1"


def test_version_2_moves_the_worker_out_of_the_way(tree: TreeV2, tmp_path: Path) -> None:
    """A group with processes of its own hands no controllers on: what runs in it moves into a leaf first."""
    (tmp_path / "cgroup.type").write_text("domain\n")
    (tmp_path / "cgroup.procs").write_text("41\n")
    tree.divide()
    assert (tmp_path / "worker" / "cgroup.procs").read_text() == "41"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def test_what_an_earlier_worker_left_is_found(tree: TreeV2) -> None:
    """Groups are found by the beginning of their name."""
    for name in ("vmdirac-a-1.1", "vmdirac-b-1.1"):
        tree.make(name, LIMITS)
    assert len(tree.left("vmdirac-a-")) == 1


def test_a_tree_without_controllers_is_none(tmp_path: Path) -> None:
    """On hybrid machines version 2 has no controllers: it cannot serve."""
    (tmp_path / "cgroup.controllers").write_text("hugetlb\n")
    assert not has_controllers(tmp_path)


def test_where_we_are_in_the_trees() -> None:
    """Mounts that show a part of a tree are followed from their own root."""
    mounts = read_mounts(HYBRID)
    places = own_places("3:memory:/docker/a/b\n2:cpu,cpuacct:/\n0::/user.slice\n")
    assert [mount.kind for mount in mounts] == ["cgroup2", "cgroup", "cgroup"]
    assert folder_of(mounts[0], places[""]) == Path("/sys/fs/cgroup/unified/user.slice")
    assert folder_of(mounts[1], places["memory"]) == Path("/sys/fs/cgroup/memory/b")
    assert folder_of(mounts[2], places["cpuacct"]) == Path("/sys/fs/cgroup/cpu,cpuacct")
    assert folder_of(Mount("cgroup", Path("/c"), "/docker/a", []), "/other") == Path("/c")


@pytest.fixture
def kernel() -> TreeV1:
    """The machine's own tree of version 1."""
    found = cgroup_find.find() if os.geteuid() == 0 else None
    if not isinstance(found, TreeV1):
        pytest.skip("needs root and control groups of version 1")
    return found


def test_version_1_holds_counts_and_ends(kernel: TreeV1) -> None:
    """The real kernel takes the limits, counts what runs inside, ends it, and lets the group go."""
    group = kernel.make(f"vmdirac-test-{os.getpid()}", LIMITS)
    enter = "".join(f"echo 0 > {door}; " for door in group.doors)
    with subprocess.Popen(
        ["/bin/sh", "-c", f"{enter} while :; do :; done & echo; wait"], stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout
        shell.stdout.readline()
        assert group.kill()
        assert shell.wait(20) == -9
    assert group.used().cpu_seconds > 0
    group.remove()
    assert not any(door.exists() for door in group.doors)
