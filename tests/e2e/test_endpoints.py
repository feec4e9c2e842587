"""Clouds as operators see them while everything runs: announced ends, checks, canaries."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support.gate import Gate
from tests.support.installation import Here
from tests.support.program import environment
from vmdirac_py.model.vm import VmState

pytestmark = pytest.mark.slow


def test_a_vm_the_cloud_will_take_away_is_drained(here: Here) -> None:
    """Its payload goes on, a job that waits gets another VM, and nobody terminates it while it works."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        doomed = here.running_job(job)
        (instance,) = (vm.instance_id for vm in here.vms() if vm.id == doomed)
        here.fault(kind="leave", instance=instance)
        here.until(lambda: [vm.id for vm in here.vms(VmState.DRAINING)] == [doomed], what="the drain")
        (other,) = here.submit("true")
        here.until_done([other])
        gate.open()
        here.until_done([job])
    assert (here.job(job).vm, here.job(job).attempt) == (doomed, 1)
    assert here.job(other).vm != doomed
    here.until_retired()


def test_a_canary_beside_a_scheduler_at_work(here: Here) -> None:
    """A canary that flies while jobs run is seen and ended by the command alone, and disturbs nothing."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        here.running_job(job)
        told = here.json("endpoint", "check", "here", "--launch")
        assert told["ok"], told
        gate.open()
        here.until_done([job])
    here.until_retired()
    assert here.job(job).attempt == 1
    assert not {"vm.adopted", "alarm.blind"} & set(here.topics())
    (listed,) = here.json("endpoint", "list")
    assert (listed["state"], listed["vms"]) == ("open", 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_canary_that_is_cut_short(here: Here, number: signal.Signals) -> None:
    """Interrupted or told to end, the command ends its canary first."""
    here.fault(kind="lag", seconds=3600)
    command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(here.home.root), "endpoint", "check", "here"]
    with subprocess.Popen([*command, "--launch"], env=environment(), stderr=subprocess.PIPE) as check:
        here.until(here.instances, what="the canary")
        os.kill(check.pid, number)
        _, told = check.communicate(timeout=60)
    assert check.returncode == 1
    assert "stopped" in told.decode()
    assert here.instances() == []
