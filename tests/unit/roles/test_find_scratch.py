"""Which disk role profile may format: the largest on which there is nothing at all."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = Path(__file__).resolve().parents[3] / "roles/profile/files/find_scratch.py"
GB = 10**9
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def loaded() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("find_scratch", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


find_scratch = loaded()


def disk(name: str = "/dev/vdb", size: int = 50 * GB, **other: Any) -> dict[str, Any]:
    """Return a row of lsblk for an empty disk, but for `other`."""
    row = {"name": name, "type": "disk", "size": size, "ro": False, "fstype": None, "pttype": None, "mountpoint": None}
    return {**row, **other}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"type": "rom"}, "a rom"),
        ({"size": GB}, "too small (1000000000 bytes)"),
        ({"ro": True}, "read-only"),
        ({"ro": "1"}, "read-only"),
        ({"children": [{"name": "/dev/vdb1"}]}, "holds /dev/vdb1"),
        ({"mountpoint": "/mnt"}, "mounted at /mnt"),
        ({"pttype": "gpt"}, "has a partition table"),
        ({"fstype": "LVM2_member"}, "has a signature (LVM2_member)"),
    ],
)
def test_a_disk_with_anything_against_it_is_not_taken(found: dict[str, Any], words: str) -> None:
    """Each single thing that speaks against a disk keeps it, and is named."""
    taken = find_scratch.choose([disk(**found)], 20 * GB, ["disk"], lambda _: "")
    assert taken == ("", [f"/dev/vdb: {words}"])


@given(st.lists(st.tuples(st.integers(1, 99), st.booleans(), st.booleans()), max_size=8))
def test_the_largest_of_the_empty_disks_is_taken(drawn: list[tuple[int, bool, bool]]) -> None:
    """Whatever disks there are: one that is taken is empty for lsblk and for itself, and no such one is larger."""
    disks = [
        disk(f"/dev/d{number}", size * GB, fstype="ext4" if formatted else None)
        for number, (size, formatted, _) in enumerate(drawn)
    ]
    full = {f"/dev/d{number}" for number, (_, _, dirty) in enumerate(drawn) if dirty}
    free = [one for one in disks if not one["fstype"] and one["name"] not in full and one["size"] >= 20 * GB]
    taken, seen = find_scratch.choose(disks, 20 * GB, ["disk"], lambda name: "x" if name in full else "")
    assert taken in [one["name"] for one in free if one["size"] == max(one["size"] for one in free)] or not free
    assert bool(taken) == bool(free)
    assert taken or len(seen) == len(disks)


def test_a_disk_is_not_read_before_lsblk_lets_it_pass() -> None:
    """The look into a disk is kept for those that nothing else speaks against."""
    asked: list[str] = []
    find_scratch.choose([disk(fstype="xfs"), disk("/dev/vdc")], 1, ["disk"], lambda name: asked.append(name) or "")
    assert asked == ["/dev/vdc"]


@pytest.mark.parametrize(
    "make",
    [
        ["mkfs.ext4", "-q", "-F"],
        ["mkswap", "-q"],
        ["sh", "-c", "printf '\\125\\252' | dd bs=1 seek=510 conv=notrunc of=$0"],
        ["sh", "-c", "echo x >$0"],
    ],
)
@pytest.mark.skipif(shutil.which("wipefs", path=PATH) is None, reason="NO WIPEFS HERE")
def test_whatever_was_written_to_a_disk_is_content(
    make: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh disk is empty; one with a file system, swap, partition table or a few bytes is not. By the real tools."""
    monkeypatch.setenv("PATH", PATH)
    file = tmp_path / "disk"
    with file.open("wb") as blank:
        blank.truncate(64 << 20)
    assert find_scratch.content(str(file)) == ""
    subprocess.run([*make, file], check=True, capture_output=True)
    assert find_scratch.content(str(file))


@pytest.mark.parametrize("at", [0, 1 << 20, -1])
def test_one_byte_at_either_end_is_content(tmp_path: Path, at: int) -> None:
    """Ends of zeros are empty; a byte in the first or last MiB is not, one between them is not looked for."""
    file = tmp_path / "disk"
    data = bytearray(4 << 20)
    file.write_bytes(data)
    assert find_scratch.ends_are_zero(str(file))
    data[at] = 1
    file.write_bytes(data)
    assert find_scratch.ends_are_zero(str(file)) == (at == 1 << 20)
