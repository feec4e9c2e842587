"""The scratch disk: a real block device of this kernel is found empty, formatted once, and mounted."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chroot import Machine
from tests.support.program import TOP

pytestmark = [pytest.mark.slow, pytest.mark.full]

GB = 10**9
SIZE, LEAST = 301, 300  # GB; no other device of this kind on this machine is as large
PLAY = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"profile_scratch_mount": "/scratch", "profile_scratch_min_gb": LEAST},
        "tasks": [
            {
                "include_role": {"name": "vmdirac.cloud.profile", "tasks_from": "scratch"},
                "vars": {"profile_scratch_types": ["loop"]},
            }
        ],
    }
]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[str]:
    """An empty loop device over a file without blocks."""
    if not shutil.which("losetup"):
        pytest.skip("NO LOSETUP HERE")
    with (tmp_path / "disk").open("wb") as disk:
        disk.truncate(SIZE * GB)
    made = subprocess.run(["losetup", "--find", "--show", disk.name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"NO LOOP DEVICE: {made.stderr}")
    yield made.stdout.strip()
    subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


@pytest.fixture
def machine(debian: Path, tmp_path: Path) -> Machine:
    """A root file system with the role in it."""
    content = tmp_path / "content/ansible_collections/vmdirac/cloud"
    content.mkdir(parents=True)
    (content / "roles").symlink_to(TOP / "roles")
    machine = Machine.over(debian, tmp_path / "layer", tmp_path / "content", TOP)
    machine.write("/root/play.json", json.dumps(PLAY))
    return machine


def play(machine: Machine, tmp_path: Path, then: str) -> subprocess.CompletedProcess[str]:
    """Run the role, and a command where its mounts still are."""
    found = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "content")}
    command = "ansible-playbook -i localhost, -c local /root/play.json || exit 1;"
    return machine.run("sh", "-uc", f"{command} {then}", given=found)


def test_an_empty_disk_is_formatted_once_and_mounted(device: str, machine: Machine, tmp_path: Path) -> None:
    """Payloads may pass through it, it is mounted at each boot, and what was written stays there at the next."""
    first = play(machine, tmp_path, "echo kept >/scratch/file; stat -c %a:%U /scratch; findmnt -no SOURCE /scratch")
    assert first.returncode == 0, first.stdout[-2000:]
    assert first.stdout.splitlines()[-2:] == ["711:root", device]
    second = play(machine, tmp_path, "cat /scratch/file")
    assert second.stdout.splitlines()[-1] == "kept"
    assert "LABEL=vmscratch /scratch auto" in machine.read("/etc/fstab")


def test_a_disk_with_something_on_it_is_left_alone(device: str, machine: Machine, tmp_path: Path) -> None:
    """A swap signature is enough: the role fails, names the disk and what is on it, and writes nothing to it."""
    subprocess.run(["mkswap", "-q", device], check=True)
    before = first_mib(device)
    done = play(machine, tmp_path, "true")
    assert done.returncode != 0
    assert f"{device}: has a signature (" in done.stdout
    assert first_mib(device) == before


def first_mib(device: str) -> bytes:
    """Return how a device begins."""
    with Path(device).open("rb") as disk:
        return disk.read(1 << 20)
