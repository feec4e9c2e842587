"""kill -9 of anything on the way from a plan to a payload's result: no VM leaks, none is started twice, no job is lost.

The moments are hit by holding what comes next: the endpoint's lease, the ledger's write lock, a cloud that hangs, a
stopped manager, a payload behind a gate. Nothing is hit by luck, so each test really is the moment it names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gate import Gate
from tests.support.installation import Here, made
from tests.support.program import environment
from vmdirac_py.model.batch import BatchState
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import leases

pytestmark = pytest.mark.slow
full = pytest.mark.full

BACKOFF = 240.0  # a lost create call keeps its endpoint from more for a minute


def ended_well(here: Here, ids: list[int], *, seconds: float = 120.0) -> None:
    """Check promise 3 at the end: jobs Done once, no VM left, no batch sent or answered twice."""
    here.until_done(ids, seconds=seconds)
    here.until_retired(seconds=seconds)
    with here.ctx.ledger.read() as tx:
        done = Counter(job for job in ids for _, state, _, _ in tx.jobs.history(job) if state is JobState.DONE)
    assert done == Counter(ids)
    assert set(here.create_calls().values()) <= {1}
    wanted = {batch.id: batch.wanted for batch in here.batches()}
    assert all(count <= wanted[batch] for batch, count in here.launched().items())
    instances = [vm.instance_id for vm in here.vms() if vm.instance_id]
    assert len(instances) == len(set(instances)) == here.launched().total()


def until_batch(here: Here, state: BatchState) -> None:
    """Wait until the launch batch is in this state."""
    here.until(lambda: [b for b in here.batches() if b.state is state], what=f"a batch {state}")


# The scheduler and its runs


def test_scheduler_between_plan_and_run(here: Here) -> None:
    """A batch that was written and never sent is sent by the next scheduler, once."""
    here.kill("scheduler")
    lease = leases.take(here.ctx, leases.endpoint_lease("here"), actor="test")
    here.start("scheduler")
    ids = here.submit("true")
    until_batch(here, BatchState.WRITTEN)
    here.kill("scheduler")
    leases.give_back(here.ctx, lease)
    here.start("scheduler")
    ended_well(here, ids)
    assert len(here.batches()) == 1


@pytest.mark.parametrize(
    "victim",
    [pytest.param("scheduler", marks=full), "AnsiballZ", pytest.param("ansible-playbook", marks=full)],
)
def test_in_the_run_before_the_create_call(here: Here, victim: str) -> None:
    """A run that dies before its module has claimed the batch has done nothing: the batch is sent later, once."""
    ids = here.submit("true")
    here.until(lambda: here.run_processes("ansible-playbook"), what="the run")
    with here.locked():
        here.until(lambda: here.run_processes("AnsiballZ"), what="the module")
        kill(here, victim)
        assert [batch.state for batch in here.batches()] == [BatchState.WRITTEN]
    revive(here)
    ended_well(here, ids)
    assert len(here.batches()) == 1


@pytest.mark.parametrize(
    "victim",
    [pytest.param("scheduler", marks=full), pytest.param("AnsiballZ", marks=full), "ansible-playbook"],
)
def test_while_the_cloud_has_yet_to_act(here: Here, victim: str) -> None:
    """A create call that is on its way when the caller dies is not repeated: what it starts later is taken in."""
    here.hang("launch", 4.0, when="before")
    ids = here.submit("true")
    here.until(here.create_calls, what="the create call")
    kill(here, victim)
    assert not here.launched()
    revive(here)
    ended_well(here, ids)
    assert here.launched().total() == 1


@pytest.mark.parametrize(
    "victim",
    ["scheduler", pytest.param("AnsiballZ", marks=full), pytest.param("ansible-playbook", marks=full)],
)
def test_between_the_create_call_and_its_commit(here: Here, victim: str) -> None:
    """An instance whose answer nobody heard is bound to its VM by the next listing, and works."""
    here.hang("launch", 3600.0, when="after")
    ids = here.submit("true")
    here.until(here.launched, what="the instance")
    assert [batch.state for batch in here.batches()] == [BatchState.CLAIMED]
    kill(here, victim)
    revive(here)
    ended_well(here, ids)
    assert here.launched().total() == 1


@full
def test_scheduler_while_it_terminates(here: Here) -> None:
    """A terminate call whose answer nobody heard is settled by listings; the VM ends Halted."""
    here.hang("terminate", 3600.0, when="after")
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        vm = here.running_job(job)
        here.vmdirac("vm", "halt", vm)
        here.until(lambda: "terminate asked for" in (here.cloud / "server.log").read_text(), what="the call")
        here.kill("scheduler")
        gate.open()
        here.start("scheduler")
        ended_well(here, [job])


def kill(here: Here, victim: str) -> None:
    """Kill -9 the scheduler, or what of its run has this in its command line."""
    if victim == "scheduler":
        here.kill("scheduler")
        return
    found: list[int] = []

    def seen() -> bool:  # shells that set the module up come and go
        others = here.run_processes("AnsiballZ") if victim == "ansible-playbook" else []
        found[:] = [pid for pid in here.run_processes(victim) if pid not in others]
        return bool(found)

    here.until(seen, what=f"a process of {victim}")
    kill_all(found)


def kill_all(pids: list[int]) -> None:
    """Kill -9 these processes, of which there must be some."""
    assert pids
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # one ended the other
            os.kill(pid, signal.SIGKILL)


def revive(here: Here) -> None:
    """Start the scheduler again if it was the victim."""
    if "scheduler" not in here.processes:
        here.start("scheduler")


# The cloud


@pytest.mark.parametrize("when", [pytest.param("before", marks=full), "after"])
def test_cloud_while_launching(here: Here, when: str) -> None:
    """A cloud that dies in a create call: what it started is taken in, what it did not is asked for anew."""
    here.hang("launch", 3600.0, when=when)
    ids = here.submit("true")
    here.until(here.create_calls if when == "before" else here.launched, what="the create call")
    here.kill_cloud()
    here.start_cloud()
    ended_well(here, ids, seconds=BACKOFF if when == "before" else 120.0)
    assert here.launched().total() == 1


def test_cloud_while_a_vm_boots(here: Here) -> None:
    """VMs outlive the embedded cloud's server, and its successor knows them."""
    here.fault(kind="slow_boot", seconds=2.0)
    ids = here.submit("true")
    here.until(lambda: [record for record in here.instances() if record.pid], what="a VM's process")
    here.kill_cloud()
    here.start_cloud()
    ended_well(here, ids)
    assert here.launched().total() == 1


# The manager


def stop_manager_in_a_request(here: Here) -> None:
    """Stop the manager, wait until something it has not read lies before it, and kill it."""
    here.signal("manager", signal.SIGSTOP)
    here.until(here.unread_by_manager, what="a request in flight")
    here.kill("manager")


def test_manager_during_an_enrolment(here: Here) -> None:
    """A VM whose enrolment was cut enrols with the next manager."""
    here.fault(kind="slow_boot", seconds=1.0)
    ids = here.submit("true")
    here.until(lambda: here.vms(VmState.SUBMITTED), what="a VM Submitted")
    stop_manager_in_a_request(here)
    here.start("manager")
    ended_well(here, ids)
    assert here.launched().total() == 1


@pytest.mark.parametrize("topic", [pytest.param("vm.enrolled", marks=full), "job.matched"])
def test_manager_right_after_a_commit(here: Here, topic: str) -> None:
    """What the manager committed and perhaps never answered is answered the same when the VM asks again."""
    ids = here.submit("sleep 1")
    here.until(lambda: here.topics()[topic], what=topic)
    here.kill("manager")
    here.start("manager")
    ended_well(here, ids)
    assert [here.job(job).attempt for job in ids] == [1]
    assert here.launched().total() == 1


def test_manager_during_a_heartbeat(here: Here) -> None:
    """A payload does not notice that the manager died: it ends on its VM, at its first attempt."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        vm = here.running_job(job)
        stop_manager_in_a_request(here)
        gate.open()
        here.start("manager")
        ended_well(here, [job])
    assert (here.job(job).vm, here.job(job).attempt) == (vm, 1)


def test_manager_during_an_upload(here: Here) -> None:
    """An output whose upload was cut is uploaded again, whole."""
    with Gate() as gate:
        (job,) = here.submit(f"{gate.wait}; head -c 40000000 /dev/urandom > std.err; sha256sum < std.err")
        here.running_job(job)
        gate.open()
        here.until(lambda: list(here.home.blobs.glob("incoming-*")), what="an upload")
        here.kill("manager")
        assert here.job(job).state is JobState.RUNNING
        here.start("manager")
        ended_well(here, [job])
    folder = here.home.root.parent / "fetched"
    here.vmdirac("job", "output", str(job), "--folder", str(folder))
    digest = subprocess.run(["sha256sum", str(folder / "std.err")], capture_output=True, text=True, check=True).stdout
    assert digest.split()[0] == (folder / "std.out").read_text().split()[0]


# The VM


def test_worker_while_a_payload_runs(here: Here) -> None:
    """Without its worker a payload is lost with its VM, and the job runs again on another one."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        vm = here.running_job(job)
        kill_all(here.vm_processes(vm, "worker"))
        here.until(lambda: here.job(job).state is not JobState.RUNNING, what="the loss noticed")
        gate.open()
        ended_well(here, [job])
    assert here.job(job).attempt == 2
    assert here.job(job).vm != vm


def test_the_payload(here: Here) -> None:
    """A killed payload is a Failed job that says so; its VM goes on to the next one."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        vm = here.running_job(job)
        kill_all(here.payload_processes(vm))
        here.until(lambda: here.job(job).state is JobState.FAILED, what="the job Failed")
        assert "signal 9" in here.job(job).minor
        gate.open()
        ended_well(here, here.submit("true"))
    assert here.launched().total() == 1


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that another user's processes can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="vmdirac-cloud-"))
    folder.chmod(0o711)
    yield folder / "cloud"
    shutil.rmtree(folder)


def test_a_vm_without_namespaces(tmp_path: Path, reachable: Path) -> None:
    """Where VMs are mere process groups, a VM that is ended takes its payloads with it all the same."""
    with made(tmp_path, endpoint_options={"state": str(reachable)}) as here, Gate() as gate:
        here.start_cloud(namespaces=False)
        here.start("manager", "scheduler")
        (job,) = here.submit(gate.wait)
        vm = here.running_job(job)
        kill_all(here.vm_processes(vm, "init.py"))
        here.until(lambda: here.job(job).state is not JobState.RUNNING, what="the loss noticed")
        assert here.payload_processes(vm) == []
        gate.open()
        ended_well(here, [job])


# All of it


def up(here: Here) -> subprocess.Popen[str]:
    """Start `vmdirac up` and wait until it runs."""
    command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(here.home.root), "up"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert "manager and scheduler run" in first, first + process.stdout.read()
    return process


def test_up_itself(tmp_path: Path) -> None:
    """After kill -9 of `vmdirac up` the next one takes everything over: VMs, payloads, clouds, and a run in flight."""
    with made(tmp_path) as here, Gate() as gate:
        with up(here) as first:
            (job,) = here.submit(gate.wait)
            vm = here.running_job(job)
            first.kill()
        with up(here) as second:
            gate.open()
            ended_well(here, [job])
            second.send_signal(signal.SIGINT)
            assert second.wait(timeout=120) == 0
        assert (here.job(job).vm, here.job(job).attempt) == (vm, 1)


@full
def test_a_cloud_beside_up(tmp_path: Path) -> None:
    """`vmdirac up` starts an embedded cloud again that died, and its VMs go on."""
    with made(tmp_path) as here, Gate() as gate, up(here) as process:
        (job,) = here.submit(gate.wait)
        here.running_job(job)
        here.kill_cloud()
        gate.open()
        ended_well(here, [job])
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0
