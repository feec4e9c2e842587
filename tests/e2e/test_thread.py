"""The thread as users and operators see it: jobs in, VMs started, payloads run, VMs gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.gate import Gate
from tests.support.installation import Here, inventory, running
from tests.support.installed import VOS
from vmdirac_py.clouds.local.records import Store
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState

pytestmark = pytest.mark.slow

FOR_EVER = "sleep 3600"


def kill_vm(here: Here, vm_id: str) -> None:
    """Kill the outermost process of a VM, as a host's crash would."""
    instance = next(vm.instance_id for vm in here.vms() if vm.id == vm_id)
    os.kill(Store(here.cloud).records()[instance].pid, signal.SIGKILL)


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


def test_a_drained_vm_finishes_its_payload_and_retires(here: Here) -> None:
    """A drain takes nothing away: the payload ends Done on that VM, a job that waits gets another one."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        vm = here.running_job(job)
        assert vm in here.vmdirac("vm", "drain", vm).stdout
        (other,) = here.submit("true")
        here.until_done([other])
        gate.open()
        here.until_done([job])
    assert (here.job(job).vm, here.job(job).attempt) == (vm, 1)
    assert here.job(other).vm != vm
    here.until_retired()


def test_a_halted_vm_gives_its_job_back(here: Here) -> None:
    """Halting ends the payload; the job runs again on another VM and is Done."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        vm = here.running_job(job)
        assert vm in here.vmdirac("vm", "halt", vm).stdout
        here.until(lambda: here.job(job).state is not JobState.RUNNING, what="the job given back")
        gate.open()
        here.until_done([job])
    assert here.job(job).vm != vm
    assert here.job(job).attempt == 2
    here.until_retired()


def test_a_waiting_job_can_be_killed(here: Here) -> None:
    """A job killed while it waits never runs, and no VM stays for it."""
    here.kill("scheduler")
    (job,) = here.submit("echo never")
    assert str(job) in here.vmdirac("job", "kill", str(job)).stdout
    here.start("scheduler")
    (other,) = here.submit("echo ran")
    here.until_done([other])
    assert (here.job(job).state, here.job(job).vm) == (JobState.KILLED, "")
    here.until_retired()


def test_a_running_job_can_be_killed(here: Here) -> None:
    """A running job's payload is ended on its VM, which then retires."""
    (job,) = here.submit(FOR_EVER)
    here.running_job(job)
    here.vmdirac("job", "kill", str(job))
    here.until_retired()
    assert here.job(job).state is JobState.KILLED


def test_a_job_whose_vm_dies_runs_elsewhere_but_not_for_ever(tmp_path: Path) -> None:
    """A job is run again when its VM dies; after `max_attempts` it fails, and says why."""
    with running(tmp_path, settings={"max_attempts": 2}) as here:
        (job,) = here.submit(FOR_EVER)
        for attempt in (1, 2):
            here.until(lambda expected=attempt: here.job(job).attempt == expected, what=f"attempt {attempt}")
            kill_vm(here, here.running_job(job))
            here.until(lambda: here.job(job).state is not JobState.RUNNING, what="the death noticed")
        assert here.job(job).state is JobState.FAILED
        assert here.job(job).minor == "Rescheduled too often: its VM is gone"
        assert "too often" in here.vmdirac("why", str(job)).stdout
        here.until_retired()


def test_the_least_number_of_vms_stays(here: Here) -> None:
    """A pool's `min_vms` are started without any job, and stay when they are idle."""
    content = inventory()
    content["all"]["children"]["endpoint_here"]["hosts"]["beta-2core"]["pool_min_vms"] = 1
    here.write_inventory(content)
    here.until(lambda: here.vms(VmState.RUNNING), what="a VM without a job")
    (vm,) = here.vms()
    console = Store(here.cloud).console(vm.instance_id)
    here.until(lambda: "stays, although idle" in console.read_text(), what="the VM wants to leave and is kept")
    assert [(vm.pool, vm.state) for vm in here.vms()] == [("beta-2core", VmState.RUNNING)]
