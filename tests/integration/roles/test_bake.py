"""Baking: the roles on a real Debian root file system, by its own ansible-core 2.14, with apt and dpkg for real.

CernVM-FS and Apptainer are stand-ins (`tests/support/stand_ins.py`).
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.baking import bake
from tests.support.chroot import Machine
from tests.support.stand_ins import CVMFS_CALLS

from .conftest import GOOD, Image

pytestmark = pytest.mark.slow


def test_a_rehearsal_says_what_it_would_do_and_writes_nothing(image: Image) -> None:
    """`--check` succeeds on a bare tree, names changes, and leaves no file but what apt remembers."""
    rehearsal = image.runs[0]
    assert rehearsal.returncode == 0, rehearsal.stdout[-3000:]
    assert re.search(r"changed=[1-9]", rehearsal.stdout)
    assert [file for file in image.rehearsed if not file.is_relative_to("var/cache/apt")] == []


def test_a_baked_image_has_nothing_left_to_do(image: Image) -> None:
    """The first run changes the image, the second nothing: neither a role's task nor the record."""
    first, second = image.runs[1:]
    assert first.returncode == 0, first.stdout[-3000:]
    assert second.returncode == 0, second.stdout[-3000:]
    assert re.findall(r"changed=(\d+)", second.stdout) == ["0", "0"]


def test_the_image_tells_what_was_baked(image: Image) -> None:
    """`baked.json` has the context's revision, the sum of the roles, and when."""
    baked = json.loads(image.machine.read("/etc/vmdirac/baked.json"))
    assert baked["revision"] == "5a5a5a5a5a5a"
    assert re.fullmatch("[0-9a-f]{64}", baked["roles_sha256"])
    assert datetime.fromisoformat(baked["at"]).tzinfo


def test_packages_come_from_the_mirrors_that_are_named_and_no_others(image: Image) -> None:
    """Apt reads the configured mirror alone, and what the profile wants is installed from it."""
    sources = image.machine.run("apt-get", "indextargets", "--format", "$(REPO_URI)").stdout.split()
    assert set(sources) == {"file:/srv/mirror/"}
    assert image.machine.run("dpkg-query", "-W", "vo-tools", "cvmfs", "apptainer").returncode == 0


def test_profile_makes_users_files_and_runs_commands_once(image: Image) -> None:
    """A user has its key and no password, a file its rights, and a command left its mark."""
    inside = image.machine
    assert inside.read("/home/jane/.ssh/authorized_keys") == "ssh-ed25519 AAAA jane\n"
    assert re.search(r"^jane:!", inside.read("/etc/shadow"), re.MULTILINE)
    assert inside.run("stat", "-c", "%a %U", "/etc/vo/settings").stdout == "640 root\n"
    assert inside.run("test", "-e", "/etc/vo/done").returncode == 0


def test_cvmfs_is_configured_before_it_is_set_up(image: Image) -> None:
    """The client's files say what was asked, quoted, and setup ran once without starting anything in an image."""
    text = image.machine.read("/etc/cvmfs/default.local")
    assert text.splitlines()[1:] == [
        "CVMFS_CLIENT_PROFILE='single'",
        f"CVMFS_REPOSITORIES='{GOOD}'",
        "CVMFS_HTTP_PROXY='http://a.example.org:3128|http://b.example.org:3128;DIRECT'",
        "CVMFS_QUOTA_LIMIT='9000'",
        "CVMFS_CACHE_BASE='/var/lib/cvmfs'",
        "CVMFS_TIMEOUT='5'",
    ]
    assert image.machine.read(f"/etc/cvmfs/config.d/{GOOD}.local").splitlines()[1:] == ["CVMFS_HTTP_PROXY='DIRECT'"]
    assert image.machine.read(CVMFS_CALLS) == "setup nostart\n"


def test_trust_anchors_are_links_into_cvmfs(image: Image) -> None:
    """All three parts point to where CVMFS will be, though it is not mounted."""
    for part in ("certificates", "vomsdir", "vomses"):
        link = image.machine.run("readlink", f"/etc/grid-security/{part}").stdout.strip()
        assert link == f"/cvmfs/grid.example.org/etc/grid-security/{part}"


def test_each_slot_has_an_account_that_nobody_logs_in_to(image: Image) -> None:
    """Accounts are numbered from 00, none is root's, none shares a group, none has a shell."""
    lines = [line.split(":") for line in image.machine.read("/etc/passwd").splitlines() if "vmdirac_payload" in line]
    assert [line[0] for line in lines] == ["vmdirac_payload_00", "vmdirac_payload_01", "vmdirac_payload_02"]
    assert len({line[3] for line in lines}) == 3
    assert all(line[2] != "0" and line[6] == "/usr/sbin/nologin" for line in lines)


def test_units_are_enabled_and_systemd_takes_them(image: Image) -> None:
    """Worker, cut-off and automatic mounts start at boot, and their unit files say nothing systemd does not know."""
    units = [f"vmdirac-{name}.service" for name in ("worker", "metadata")]
    for unit in (*units, "autofs.service"):
        assert image.machine.run("systemctl", "is-enabled", unit).stdout == "enabled\n"
    verified = image.machine.run("systemd-analyze", "verify", *(f"/etc/systemd/system/{unit}" for unit in units))
    assert "vmdirac" not in verified.stderr


def test_no_secret_and_no_trace_of_the_host_is_in_the_image(image: Image, worker: Path) -> None:
    """There is no configuration, no variables file, and the host's paths stand nowhere."""
    upper = image.layer / "upper"
    assert not (upper / "etc/vmdirac/worker.json").exists()
    texts = [file for file in upper.glob("etc/**/*") if file.is_file() and not file.is_symlink()]
    assert texts
    assert not [file for file in texts if str(worker).encode() in file.read_bytes()]


def test_a_token_is_not_baked(layer: Path, image: Image, variables: dict[str, Any]) -> None:
    """Variables with a worker's configuration are refused before anything runs."""
    done = bake(layer, image.tree, {**variables, "worker_config": {"token": "t"}})
    assert done.returncode != 0
    assert "an image must not" in done.stdout


def test_roles_that_the_variables_do_not_mean_are_not_baked(
    tmp_path: Path, debian: Path, variables: dict[str, Any]
) -> None:
    """The record would name roles that are not in the image: refused by the variable's name, before anything runs."""
    layer = Machine.over(debian, tmp_path).layer
    done = bake(layer, debian, {**variables, "context_roles_sha256": "0" * 64})
    assert done.returncode != 0
    assert f"context_roles_sha256 is {'0' * 64}" in done.stdout
    assert not [path for path in (layer / "upper").rglob("*") if path.is_file()]
