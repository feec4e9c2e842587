"""The thread with VMs that really boot: systemd and the distribution's cloud-init read what a driver gave its cloud."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.booted import PATIENCE_SECONDS, booted_on, emulated_on
from tests.support.installed import VOS
from tests.support.moto_account import moto_account
from tests.support.nova_project import nova_project
from tests.support.opennebula_account import opennebula_account
from tests.support.there import OtherCloud, There
from tests.testbeds.openstack.fixtures import openstack_bed
from tests.testbeds.vm import Cannot
from tests.testbeds.vm.sources import SOURCES

__all__ = ["openstack_bed"]

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
EMULATED_SECONDS = 1800.0


def _say(words: str) -> None:
    sys.stderr.write(f"VM test bed: {words}\n")
    sys.stderr.flush()


@contextmanager
def booted(request: pytest.FixtureRequest, folder: Path, source: str) -> Iterator[There]:
    """Run an installation whose VMs boot from this source; skip, loudly, where the machine cannot."""
    try:
        with CLOUD_OF[source](request, folder) as cloud, booted_on(folder, cloud, SOURCES[source], _say) as there:
            yield there
    except Cannot as cannot:
        pytest.skip(f"no VMs here: {cannot}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", [SMOKE, *(pytest.param(name, marks=pytest.mark.full) for name in SOURCES if name != SMOKE)]
)
def test_a_vm_boots_from_each_source_runs_jobs_of_its_vo_and_goes(
    source: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Cloud-init finds the user data, the VM enrols as the instance its cloud knows, works, and powers itself off."""
    with booted(request, tmp_path, source) as there:
        ids = [job_id for vo in VOS[:2] for job_id in there.submit("echo hello from $(hostname)", vo=vo, count=2)]
        there.until_done(ids, seconds=PATIENCE_SECONDS)
        vo_of_vm = {vm.id: vm.vo for vm in there.vms()}
        assert all(there.job(job_id).spec.vo == vo_of_vm[there.job(job_id).vm] for job_id in ids)
        assert there.vmdirac("job", "output", str(ids[0]), "--print").stdout.startswith("hello from ")
        there.until_retired(seconds=PATIENCE_SECONDS)
        assert there.filling.powered_off == there.filling.seen


@pytest.mark.slow
@pytest.mark.full
def test_a_whole_machine_lives_and_ends(tmp_path: Path) -> None:
    """With a kernel, firmware, DHCP and a disk of its own: it boots, runs a job and powers itself off."""
    with moto_account(tmp_path) as cloud, emulated_on(tmp_path, cloud, _say) as there:
        ids = there.submit("uname -r", count=1)
        there.until_done(ids, seconds=EMULATED_SECONDS)
        assert "cloud-amd64" in there.vmdirac("job", "output", str(ids[0]), "--print").stdout
        there.until_retired(seconds=PATIENCE_SECONDS)
        assert there.filling.powered_off == there.filling.seen
