"""The thread as users and operators see it: jobs in, VMs started, payloads run, VMs gone."""

from __future__ import annotations

import pytest

from tests.support.installation import VOS, Here

pytestmark = pytest.mark.slow


def test_three_jobs_of_one_vo_are_done(here: Here) -> None:
    """Jobs that wait get VMs, run, are Done with their output, and the VMs retire by themselves."""
    ids = here.submit("echo hello from $(hostname)", count=3)
    here.until_done(ids)
    for job_id in ids:
        assert here.vmdirac("job", "output", str(job_id), "--print").stdout.startswith("hello from ")
    here.until_retired()
    assert here.launched().total() <= 2


def test_a_vm_runs_only_its_own_vos_jobs(here: Here) -> None:
    """With three VOs' jobs mixed, each job ran on a VM of its own VO."""
    ids = [job_id for vo in VOS for job_id in here.submit("sleep 0.5", vo=vo, count=2)]
    here.until_done(ids)
    vo_of_vm = {vm.id: vm.vo for vm in here.vms()}
    assert {(here.job(job_id).spec.vo, vo_of_vm[here.job(job_id).vm]) for job_id in ids} == {(vo, vo) for vo in VOS}
