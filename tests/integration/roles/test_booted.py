"""A machine that boots from a baked image: what is left to its boot, and that it is done once."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.wait import until
from tests.testbeds.vm import Bed, Guest, Start
from vmdirac_py.inventory.bundle import roles_archive

from .conftest import GOOD, Image

pytestmark = [pytest.mark.slow, pytest.mark.full]

CONTENT = "/srv/content"
CONTEXT = "/etc/vmdirac/context.json"
BOOT_SECONDS = 300.0
LIVE = {"apptainer_probe_image": "/"}
"""Over what was baked: what a machine that runs can be asked for."""


@pytest.fixture(scope="module")
def guest(image: Image, variables: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """A guest over the baked layer, with the roles' archive unpacked as a boot would."""
    assert image.runs[-1].returncode == 0
    installed = {"worker_file": "/usr/local/lib/vmdirac/worker.pyz"}
    files: dict[str, tuple[str | bytes, int]] = {CONTEXT: (json.dumps({**variables, **LIVE, **installed}), 0o600)}
    with tarfile.open(fileobj=io.BytesIO(roles_archive()[1])) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content
            files[f"{CONTENT}/{member.name}"] = (content.read(), 0o644)
    with Bed(tmp_path_factory.mktemp("booted"), print, layers=[image.layer / "upper"]) as bed:
        guest = bed.boot("baked", Start(files=files))
        until(lambda: is_up(guest), seconds=BOOT_SECONDS, what="a system that is up")
        yield guest


def is_up(guest: Guest) -> bool:
    """Tell whether all units have been started, or have failed."""
    state = guest.run("systemctl", "is-system-running", check=False).stdout.strip()
    return state in {"running", "degraded"}


def contextualised(guest: Guest, **other: Any) -> subprocess.CompletedProcess[str]:
    """Run the roles in a guest as its boot would, with other variables over the context's."""
    playbook = f"{CONTENT}/ansible_collections/vmdirac/cloud/playbooks/contextualise.yml"
    given = ["-e", f"@{CONTEXT}", "-e", json.dumps(other)]
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", *given, playbook]
    settings = [f"ANSIBLE_COLLECTIONS_PATH={CONTENT}", "ANSIBLE_NOCOLOR=1"]
    return guest.run("env", "--chdir=/", *settings, *command, check=False)


def test_a_baked_machine_has_nothing_left_to_do_at_boot(guest: Guest) -> None:
    """The boot's own run of the roles changes nothing, reads a repository, and starts a container as nobody."""
    assert re.findall(r"changed=(\d+)", contextualised(guest).stdout) == ["0"]
    assert guest.run("cat", "/var/log/cvmfs_config.calls").stdout == f"setup nostart\nprobe {GOOD}\n"
    calls = guest.run("cat", "/tmp/apptainer.calls").stdout
    assert calls == "nobody: exec --userns --contain --no-home / true\n"


def test_its_units_run_before_any_payload(guest: Guest) -> None:
    """Cut-off and automatic mounts are active; the worker waits for a configuration."""
    for unit, state in (("vmdirac-metadata", "active"), ("autofs", "active"), ("vmdirac-worker", "inactive")):
        assert guest.run("systemctl", "is-active", unit, check=False).stdout == f"{state}\n"


def test_only_root_reaches_the_metadata_from_the_boot_on(guest: Guest) -> None:
    """The metadata server of the bed answers root, and a payload's account gets nothing."""
    ask = ["curl", "--silent", "--max-time", "3", "--output", "/dev/null", "http://169.254.169.254/"]
    uid = int(guest.run("id", "-u", "vmdirac_payload_00").stdout)
    timed_out = 28
    assert guest.run(*ask, check=False).returncode == 0
    assert guest.run(*ask, uid=uid, check=False).returncode == timed_out


def test_a_repository_that_cannot_be_read_fails_by_name(guest: Guest) -> None:
    """The probe names what it could not read."""
    done = contextualised(guest, context_roles=["cvmfs"], cvmfs_repositories=["bad.example.org"])
    assert done.returncode != 0
    assert "bad.example.org" in done.stdout


def test_swap_and_a_folder_for_it_are_made_once(guest: Guest) -> None:
    """The swap file is made, formatted and kept for each boot, though one that was cut off left half of it.

    Whether the kernel takes it is the host's affair.
    """
    guest.run("sh", "-c", "echo half > /var/swapfile.new")
    done = contextualised(guest, context_roles=["profile"], profile_swap_mb=8)
    assert "Swap now" in done.stdout
    assert guest.run("blkid", "--probe", "--match-tag", "TYPE", "-o", "value", "/var/swapfile").stdout == "swap\n"
    assert guest.run("stat", "-c", "%a %s", "/var/swapfile").stdout == f"600 {8 << 20}\n"
