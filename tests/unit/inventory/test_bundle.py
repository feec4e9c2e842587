from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path

from vmdirac_py.base.content import collection
from vmdirac_py.inventory.bundle import packed, roles_archive
from vmdirac_py.inventory.roles import known

TOP = "ansible_collections/vmdirac/cloud"


def names(archive: bytes) -> list[str]:
    """Return what an archive holds."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    """The archive depends on the files' names and contents alone: not on times, modes or the folder."""
    for part in ("roles", "playbooks"):
        shutil.copytree(collection() / part, tmp_path / part)
    for path in tmp_path.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        if path.is_file():
            path.chmod(0o600)
    assert packed(tmp_path) == packed(collection())


def test_it_holds_what_runs_at_boot() -> None:
    """Every role that a context may name, and the playbook that applies them; nothing of the control node."""
    held = names(roles_archive()[1])
    assert f"{TOP}/playbooks/contextualise.yml" in held
    assert {name.split("/")[4] for name in held if "/roles/" in name} == set(known())
    assert not [name for name in held if name.endswith("README.md") or "__pycache__" in name]


def test_another_role_gives_another_name(tmp_path: Path) -> None:
    """A changed file changes the archive, and so its hash."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/contextualise.yml").write_text("---\n")
    bare = packed(tmp_path)
    (tmp_path / "roles/cvmfs/tasks").mkdir(parents=True)
    (tmp_path / "roles/cvmfs/tasks/main.yml").write_text("---\n")
    assert len({bare, packed(tmp_path)}) == 2


def test_the_name_is_the_hash() -> None:
    """What is promised to VMs is what they get."""
    sha256, data = roles_archive()
    assert hashlib.sha256(data).hexdigest() == sha256
