"""The thread with VMs that really boot: systemd and the distribution's cloud-init read what a driver gave its cloud."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.baking import bake
from tests.support.booted import PATIENCE_SECONDS, Booted, booted_on, emulated_on
from tests.support.chroot import Machine
from tests.support.installed import VOS
from tests.support.moto_account import moto_account
from tests.support.nova_project import nova_project
from tests.support.opennebula_account import opennebula_account
from tests.support.there import OtherCloud, There
from tests.testbeds.openstack.fixtures import openstack_bed
from tests.testbeds.vm import Cannot, Guest, tree
from tests.testbeds.vm.sources import SOURCES
from vmdirac_py.model.job import JobState

__all__ = ["openstack_bed"]
pytestmark = pytest.mark.slow

Make = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[OtherCloud]]


def _nova(request: pytest.FixtureRequest, _: Path) -> AbstractContextManager[OtherCloud]:
    return nova_project(request.getfixturevalue("openstack_bed"))


CLOUD_OF: dict[str, Make] = {
    "NoCloud": lambda _, folder: moto_account(folder),
    "Ec2": lambda _, folder: moto_account(folder),
    "OpenNebula": lambda _, folder: opennebula_account(folder),
    "ConfigDrive": _nova,
    "OpenStack": _nova,
}
SMOKE = "NoCloud"
CONTEXT = {"profile": {}, "worker": {"payload_users": 2}}
UNITS: dict[str, dict[str, Any]] = {"vmdirac-worker.service": CONTEXT, "vmdirac-alone.service": {}}
"""The unit that keeps the worker, by a pool's context."""
DRAINS = "/var/lib/dirac_drain"
FLAG = "/run/go-on"
HELD = f"until [ -e {FLAG} ]; do sleep 0.2; done"
"""A payload that runs until the guest has the flag."""
RECORD = "/etc/vmdirac/baked.json"
"""What was baked; no secret."""
PAYLOAD_USER = "vmdirac_payload_00"
NOBODY = 65534
METADATA = ("http://169.254.169.254/", "http://[fd00:ec2::254]/")
SECRET_PLACES = ("/var/lib/cloud", "/run/cloud-init", "/etc/vmdirac", "/var/lib/vmdirac")
EMULATED_SECONDS = 1800.0
SLOWEST_BOOT = {"pool_boot_seconds": 300, "pool_boot_deadline": 2400}


def _say(words: str) -> None:
    sys.stderr.write(f"VM test bed: {words}\n")
    sys.stderr.flush()


@contextmanager
def skipping() -> Iterator[None]:
    """Skip, loudly, where the machine cannot."""
    try:
        yield
    except Cannot as cannot:
        pytest.skip(f"no VMs here: {cannot}")


@contextmanager
def booted(request: pytest.FixtureRequest, folder: Path, source: str, **keys: Any) -> Iterator[There]:
    """Run an installation whose VMs boot from this source."""
    with (
        skipping(),
        CLOUD_OF[source](request, folder) as cloud,
        booted_on(folder, cloud, SOURCES[source], _say, **keys) as there,
    ):
        yield there


def guest_of(there: There, vm_id: str) -> Guest:
    """Return the guest behind a VM."""
    assert isinstance(there.filling, Booted)
    (instance,) = (vm.instance_id for vm in there.vms() if vm.id == vm_id)
    return there.filling.bed.guests[instance]


def reached(guest: Guest, uid: int) -> list[str]:
    """Return the metadata addresses that somebody reaches in a guest."""
    ask = ("curl", "--silent", "--max-time", "3", "--output", "/dev/null")
    return [url for url in METADATA if guest.run(*ask, url, uid=uid, check=False).returncode == 0]


def readable(guest: Guest, uid: int) -> list[str]:
    """Return the files that tell of the user data or hold keys and that somebody can read in a guest."""
    found = guest.run("find", *SECRET_PLACES, "-type", "f", "-readable", uid=uid, check=False).stdout
    return found.splitlines()


def working(there: There, job: int) -> Guest:
    """Wait until a job runs; return the guest it runs in."""
    there.until(lambda: there.job(job).vm, seconds=PATIENCE_SECONDS, what="a VM for the job")
    return guest_of(there, there.running_job(job))


def said_of(guest: Guest, unit: str, name: str) -> str:
    """Return what systemd in a guest says of a unit."""
    return guest.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()


def kill_worker(guest: Guest, unit: str) -> str:
    """Kill -9 the process of a unit; return its pid."""
    pid = said_of(guest, unit, "MainPID")
    guest.run("kill", "-9", pid)
    return pid


def await_next(there: There, guest: Guest, unit: str, killed: str) -> None:
    """Wait until a unit has another process than the one that was killed."""
    there.until(lambda: said_of(guest, unit, "MainPID") not in {"0", killed}, what="the next worker")


def drained(there: There, guest: Guest, job: int) -> int:
    """Drain the VM of a job that runs, then let the job end and see the guest off; return a job submitted meanwhile."""
    there.vmdirac("vm", "drain", there.job(job).vm)
    there.until(lambda: guest.run("test", "-e", DRAINS, check=False).returncode == 0, what="a VM that drains")
    (late,) = there.submit("true")
    guest.run("touch", FLAG)
    there.until_done([job], seconds=PATIENCE_SECONDS)
    there.until(lambda: not guest.lives, seconds=PATIENCE_SECONDS, what="a VM that powered itself off")
    return late


def test_a_vm_becomes_what_its_context_says_works_drains_and_powers_itself_off(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Cloud-init, the roles by the distribution's Ansible, the gate, the worker's service, a job, a drain, and it goes.

    While the job runs, metadata and cloud-init's files are root's alone: not nobody's, not a payload account's.
    A core is free all the time, and a job that is submitted after the drain does not start there.
    """
    with booted(request, tmp_path, SMOKE, pool_context=CONTEXT) as there:
        (job,) = there.submit(f"{HELD}; echo hello")
        guest = working(there, job)
        payload = int(guest.run("id", "--user", PAYLOAD_USER).stdout)
        assert {uid: reached(guest, uid) for uid in (0, payload, NOBODY)} == {
            0: list(METADATA),
            payload: [],
            NOBODY: [],
        }
        assert {uid: readable(guest, uid) for uid in (payload, NOBODY)} == {payload: [], NOBODY: []}
        assert readable(guest, 0) != []
        there.stop("scheduler")  # it would start another VM for the job that is not taken here
        late = drained(there, guest, job)
        assert (there.job(late).state, there.job(late).vm) == (JobState.WAITING, "")
        there.vmdirac("job", "kill", str(late))
        there.start("scheduler")
        there.until_retired(seconds=PATIENCE_SECONDS)
        assert there.filling.powered_off == there.filling.seen


@pytest.mark.full
@pytest.mark.parametrize("unit", UNITS)
def test_a_worker_that_is_killed_comes_back_and_one_that_goes_on_failing_ends_its_vm(
    unit: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Killed, it is started again and works; stopped, it stays so; the VM is on, until too many failures."""
    with booted(request, tmp_path, SMOKE, pool_context=UNITS[unit], pool_idle_seconds=600) as there:
        (job,) = there.submit(HELD)
        guest = working(there, job)
        kill_worker(guest, unit)
        there.until(lambda: there.job(job).attempt > 1, what="the job's second attempt")
        assert guest_of(there, there.running_job(job)) is guest
        guest.run("systemctl", "stop", unit)
        assert said_of(guest, unit, "SubState") == "failed"
        guest.run("systemctl", "start", unit)
        for _ in range(2):
            await_next(there, guest, unit, kill_worker(guest, unit))
        kill_worker(guest, unit)
        there.until(lambda: not guest.lives, what="a VM that powered itself off")


@pytest.mark.full
@pytest.mark.parametrize("source", SOURCES)
def test_vms_boot_from_each_source_and_run_jobs_of_their_vo(
    source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Cloud-init finds the user data, roles run, the VM enrols as its cloud's instance, works, powers itself off."""
    context = {} if source == SMOKE else CONTEXT  # the smoke has it with a context
    with booted(request, tmp_path, source, pool_context=context) as there:
        ids = [job_id for vo in VOS[:2] for job_id in there.submit("echo hello from $(hostname)", vo=vo, count=2)]
        there.until_done(ids, seconds=PATIENCE_SECONDS)
        vo_of_vm = {vm.id: vm.vo for vm in there.vms()}
        assert all(there.job(job_id).spec.vo == vo_of_vm[there.job(job_id).vm] for job_id in ids)
        assert there.vmdirac("job", "output", str(ids[0]), "--print").stdout.startswith("hello from ")
        there.until_retired(seconds=PATIENCE_SECONDS)
        assert there.filling.powered_off == there.filling.seen


@pytest.mark.full
def test_a_baked_image_has_no_role_to_run(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The same roles, applied to the tree before: its VM fetches the worker alone, and is cut off all the same."""
    with booted(request, tmp_path, SMOKE, pool_context=CONTEXT) as there:
        layer = Machine.over(Path(), tmp_path / "baked").layer
        done = bake(layer, tree.place(), json.loads(there.vmdirac("image", "variables", "alpha-2core").stdout))
        assert done.returncode == 0, done.stdout
        assert isinstance(there.filling, Booted)
        there.filling.bed.layers.insert(0, layer / "upper")
        (job,) = there.submit(HELD)
        guest = working(there, job)
        assert not (guest.upper / "var/log/vmdirac/contextualise.log").exists()
        assert not (guest.upper / "var/lib/vmdirac/content").exists()
        guest.run("cloud-init", "status", "--wait", check=False)
        assert (reached(guest, NOBODY), readable(guest, NOBODY)) == ([], [RECORD])
        guest.run("touch", FLAG)
        there.until_done([job], seconds=PATIENCE_SECONDS)
        there.until_retired(seconds=PATIENCE_SECONDS)
        assert there.filling.powered_off == there.filling.seen


@pytest.mark.full
def test_a_whole_machine_lives_and_ends(tmp_path: Path) -> None:
    """With a kernel, firmware, DHCP and a disk of its own: it boots, runs a job and powers itself off."""
    with skipping(), moto_account(tmp_path) as cloud, emulated_on(tmp_path, cloud, _say, **SLOWEST_BOOT) as there:
        ids = there.submit("uname -r", count=1)
        there.until_done(ids, seconds=EMULATED_SECONDS)
        assert "cloud-amd64" in there.vmdirac("job", "output", str(ids[0]), "--print").stdout
        there.until_retired(seconds=PATIENCE_SECONDS)
        assert there.filling.powered_off == there.filling.seen
