"""The same roles by the newest ansible-core that this environment has; the tree's own is 2.14."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.chroot import Machine, interpreter
from tests.support.debs import repository
from tests.support.program import TOP
from tests.support.stand_ins import PACKAGES

from .conftest import MIRROR, Image

pytestmark = [pytest.mark.slow, pytest.mark.full]

SAME = ("apt", "auto.master.d", "cvmfs", "grid-security", "sysctl.d", "systemd", "sysusers.d", "vo")
"""Folders of `/etc` that roles write."""


def test_both_ends_make_the_same_machine(image: Image, tmp_path: Path, variables: dict[str, Any], worker: Path) -> None:
    """ansible-core of this environment makes of a bare tree what the tree's 2.14 baked, file by file."""
    content = tmp_path / "content/ansible_collections/vmdirac/cloud"
    content.mkdir(parents=True)
    for part in ("roles", "playbooks"):
        (content / part).symlink_to(TOP / part)
    machine = Machine.over(image.tree, tmp_path / "layer", tmp_path / "content", TOP, worker.parent, *interpreter())
    repository(machine.layer / "upper" / MIRROR.lstrip("/"), PACKAGES)
    machine.write("/root/context.json", json.dumps(variables))
    core = [
        str(Path(sys.prefix, "bin/ansible-playbook")),
        "-i",
        "localhost,",
        "-c",
        "local",
        "-e",
        "@/root/context.json",
    ]
    done = machine.run(
        *core,
        "-e",
        "@/root/context.json",
        f"{content}/playbooks/contextualise.yml",
        given={"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "content")},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert files(machine.layer / "upper") == files(image.layer / "upper")


def files(upper: Path) -> dict[str, tuple[int, bytes]]:
    """Return rights and content of what roles wrote, by path; of links where they lead."""
    folders = [*(upper / "etc" / name for name in SAME), upper / "usr/local"]
    found = [file for folder in folders for file in folder.rglob("*") if file.is_symlink() or file.is_file()]
    return {str(file.relative_to(upper)): (file.lstat().st_mode, _content(file)) for file in found}


def _content(file: Path) -> bytes:
    return bytes(file.readlink()) if file.is_symlink() else file.read_bytes()
