"""Jobs for VMs: matching by the ledger's own truth, reports, sandboxes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.context import TestContext, add_vm, bring, events, job_of, row_of, submit
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.base.errors import BadInput, Conflict, NotAllowed, UnknownThing
from vmdirac_py.model.job import Job, JobState, Used
from vmdirac_py.model.plan import SoftEnd
from vmdirac_py.model.queue import LONG_WAIT
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations.callers import VmGone
from vmdirac_py.operations.explain import why
from vmdirac_py.operations.presence import leave
from vmdirac_py.operations.work import Claim, Told, input_sandbox, match, report, store_output
from vmdirac_py.planner.memory import Memory
from vmdirac_py.queues.api import Match

FREE = Claim(cores=8, free_cores=8, free_ram_mb=16000, free_gpus=0, empty=True, seconds_left=1e6)
BUSY = replace(FREE, empty=False)


@pytest.fixture
def vm(ctx: TestContext) -> Vm:
    """Return a Running VM of 8 cores of VO astro."""
    return add_vm(ctx, state=VmState.RUNNING)


def matched(ctx: TestContext, vm: Vm, claim: Claim = FREE) -> Match:
    """Match, which must succeed."""
    found = match(ctx, vm.id, claim, ["any"])
    assert found is not None
    return found


def soften(ctx: TestContext, vm: Vm, until: float) -> None:
    """Give a VM a soft end."""
    with ctx.ledger.write() as tx:
        tx.vms.soften([SoftEnd(vm.id, until)])


def told(ctx: TestContext, subject: str) -> str:
    """Return all that is told of a thing."""
    return "\n".join(line.text for line in why(ctx, subject))


def tell(ctx: TestContext, vm: Vm, job: int, state: str, attempt: int = 1, **more: Any) -> None:
    """Report on a job."""
    facts: dict[str, Any] = {"minor": "", "exit_code": None, "output": "", **more}
    report(ctx, vm.id, job, attempt, Told(state=state, **facts))


def test_a_fitting_job_is_given(ctx: TestContext, vm: Vm) -> None:
    """A waiting job of the VM's VO is matched, with an event."""
    job = submit(ctx, cores=2)
    found = matched(ctx, vm)
    assert (found.job.id, found.cores, found.job.vm) == (job.id, 2, vm.id)
    assert [event.subject for event in events(ctx, "job.matched")] == [f"job:{job.id}"]


def test_another_vos_job_is_never_given(ctx: TestContext, vm: Vm) -> None:
    """A VM of one VO gets no job of another, even when nothing else waits."""
    job = submit(ctx, vo="bio")
    assert match(ctx, vm.id, FREE, ["any"]) is None
    assert job_of(ctx, job.id).state is JobState.WAITING


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(
    claims=st.lists(
        st.builds(
            Claim,
            cores=st.integers(-1, 10**30),
            free_cores=st.integers(-1, 10**30),
            free_ram_mb=st.integers(0, 10**30),
            free_gpus=st.integers(0, 9),
            empty=st.just(value=False),
            seconds_left=st.floats(0, 1e300),
        ),
        max_size=12,
    )
)
def test_no_claim_overfills_a_vm(ctx: TestContext, claims: list[Claim]) -> None:
    """Whatever a VM claims, its jobs never have more cores than the VM has."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    for number, claim in enumerate(claims):
        submit(ctx, cores=1 + number % 4)
        match(ctx, vm.id, claim, ["WholeNode", "nProcessors", "MultiProcessor", "any"])
    with ctx.ledger.read() as tx:
        assert tx.jobs.used_cores([vm.id]).get(vm.id, (0, 0, 0, 0))[1] <= vm.resources.cores


def test_a_vm_gets_no_more_than_it_claims(ctx: TestContext, vm: Vm) -> None:
    """A VM that says one core is free is given no two-core job."""
    submit(ctx, cores=2)
    assert match(ctx, vm.id, replace(FREE, free_cores=1), ["any"]) is None


def test_a_vm_near_its_end_gets_no_long_job(ctx: TestContext, vm: Vm) -> None:
    """The pool's life counts, not the VM's claim: an hour's job does not start half an hour before the end."""
    submit(ctx)
    assert isinstance(ctx.clock, ManualClock)
    ctx.clock.advance(14 * 86400 - 1800)
    assert match(ctx, vm.id, FREE, ["any"]) is None


def test_a_vm_gets_what_it_was_launched_for_then_what_is_within_its_reach(ctx: TestContext, vm: Vm) -> None:
    """An empty one no longer job than its soft end was made for; a busy one no job that keeps it for too little."""
    for cpu_seconds in (360, 360, 86_400):
        submit(ctx, cpu_seconds=cpu_seconds)
    boot = ctx.inventory().pools[vm.pool].boot_seconds
    soften(ctx, vm, vm.created_at + boot + Memory().lengths.expected("astro", "jane", 360))
    matched(ctx, vm)
    matched(ctx, vm, BUSY)
    assert match(ctx, vm.id, BUSY, ["any"]) is None
    soften(ctx, vm, ctx.clock.now() + 1e6)
    matched(ctx, vm, BUSY)


@pytest.mark.parametrize("state", [VmState.SUBMITTED, VmState.DRAINING, VmState.STOPPING])
def test_only_running_vms_get_jobs(ctx: TestContext, state: VmState) -> None:
    """A VM that is not Running is answered "nothing", and the job waits on."""
    job = submit(ctx)
    assert match(ctx, add_vm(ctx, state=state).id, FREE, ["any"]) is None
    assert job_of(ctx, job.id).state is JobState.WAITING


@pytest.mark.parametrize("state", [VmState.CONTEXTUALISING, VmState.STALLED])
def test_asking_for_a_job_is_a_sign_of_life(ctx: TestContext, state: VmState) -> None:
    """A VM whose pilot is faster than its first heartbeat, or that is back, is Running with its job at once."""
    submit(ctx)
    vm = add_vm(ctx, state=state)
    assert matched(ctx, vm).job.vm == vm.id
    assert row_of(ctx, vm.id).state is VmState.RUNNING


def test_a_stalled_vm_told_to_drain_gets_no_job(ctx: TestContext, vm: Vm) -> None:
    """Back from silence, an order to drain still holds, acknowledged or not."""
    submit(ctx)
    with ctx.ledger.write() as tx:
        tx.commands.give([vm.id], "drain", at=1.0, deadline={vm.id: 2.0}, actor="unix:ann")
        tx.commands.acknowledge(vm.id, "drain", at=1.5)
    stalled = bring(ctx, bring(ctx, vm, VmState.DRAINING), VmState.STALLED)
    assert match(ctx, stalled.id, FREE, ["any"]) is None
    assert row_of(ctx, vm.id).state is VmState.DRAINING


def test_a_vm_with_orders_gets_no_job(ctx: TestContext, vm: Vm) -> None:
    """An order that is not acknowledged yet stops matching at once."""
    submit(ctx)
    with ctx.ledger.write() as tx:
        tx.commands.give([vm.id], "halt", at=1.0, deadline={vm.id: 2.0}, actor="unix:ann")
    assert match(ctx, vm.id, FREE, ["any"]) is None


def test_a_lost_match_is_given_again(ctx: TestContext, vm: Vm) -> None:
    """An empty VM that asks again gets the same job in the same attempt, not a second one."""
    submit(ctx)
    submit(ctx)
    first = matched(ctx, vm)
    assert matched(ctx, vm) == first
    assert matched(ctx, vm, BUSY).job.id != first.job.id
    assert len(events(ctx, "job.matched")) == 2


def test_a_vm_that_is_gone_gets_no_job(ctx: TestContext) -> None:
    """A Halted VM is told to power off."""
    with pytest.raises(VmGone):
        match(ctx, add_vm(ctx, state=VmState.HALTED).id, FREE, ["any"])


def test_a_wish_that_does_not_exist_is_refused(ctx: TestContext, vm: Vm) -> None:
    """Unknown kinds of job are bad input that names the known ones."""
    with pytest.raises(BadInput, match="WholeNode"):
        match(ctx, vm.id, FREE, ["any", "all"])


def test_a_job_runs_and_ends(ctx: TestContext, vm: Vm) -> None:
    """Running and Done are written with their times, exit code and output, each with an event."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    tell(ctx, vm, job, "Running")
    assert job_of(ctx, job).started_at == ctx.clock.now()
    with store_output(ctx, vm.id, job) as incoming:
        incoming.write(b"result")
        blob = incoming.keep()
    tell(ctx, vm, job, "Done", exit_code=0, output=blob)
    done = job_of(ctx, job)
    assert (done.state, done.exit_code, done.output) == (JobState.DONE, 0, blob)
    assert ctx.blobs.get(blob) == b"result"
    assert [event.topic for event in events(ctx, "job.running", "job.done")] == ["job.running", "job.done"]


def test_the_same_report_again_changes_nothing(ctx: TestContext, vm: Vm) -> None:
    """Repeats of a report are accepted once more and written once."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    for state in ("Running", "Running", "Failed", "Failed"):
        tell(ctx, vm, job, state, minor="exit 3", exit_code=3 if state == "Failed" else None)
    assert job_of(ctx, job).state is JobState.FAILED
    assert len(events(ctx, "job.running", "job.failed")) == 2


@pytest.mark.parametrize(("state", "code"), [("Done", 1), ("Failed", 0), ("Running", None)])
def test_an_ended_job_cannot_end_otherwise(ctx: TestContext, vm: Vm, state: str, code: int | None) -> None:
    """Another ending, or Running after the end, is a conflict and changes nothing."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    tell(ctx, vm, job, "Done", exit_code=0)
    before = job_of(ctx, job)
    with pytest.raises(Conflict, match="already"):
        tell(ctx, vm, job, state, exit_code=code)
    assert job_of(ctx, job) == before


def test_a_late_report_of_a_rescheduled_job_is_a_conflict(ctx: TestContext, vm: Vm) -> None:
    """What an earlier VM still says of a job that runs elsewhere is refused."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    leave(ctx, vm.id, "error")
    second = add_vm(ctx, state=VmState.RUNNING)
    assert matched(ctx, second).job.attempt == 2
    with pytest.raises(Conflict, match="rescheduled"):
        tell(ctx, vm, job, "Done", exit_code=0)
    assert job_of(ctx, job).vm == second.id


def test_a_killed_job_stays_killed(ctx: TestContext, vm: Vm) -> None:
    """The report of a job a user killed is a conflict."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    with ctx.ledger.write() as tx:
        assert tx.jobs.move(job, {JobState.MATCHED}, JobState.KILLED, at=1.0)
    with pytest.raises(Conflict):
        tell(ctx, vm, job, "Done", exit_code=0)


def test_only_the_holder_of_a_job_speaks_of_it(ctx: TestContext, vm: Vm) -> None:
    """A VM of the same VO that was not given the job may neither report nor fetch nor store for it."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    stranger = add_vm(ctx, state=VmState.RUNNING)
    with pytest.raises(NotAllowed):
        tell(ctx, stranger, job, "Done")
    with pytest.raises(NotAllowed):
        input_sandbox(ctx, stranger.id, job)
    with pytest.raises(NotAllowed):
        store_output(ctx, stranger.id, job)
    with pytest.raises(NotAllowed):
        tell(ctx, vm, job, "Done", attempt=2)


def test_another_vos_job_is_out_of_reach(ctx: TestContext, vm: Vm) -> None:
    """A VM asking for another VO's job is refused whatever it asks."""
    job = submit(ctx, vo="bio").id
    for ask in (
        lambda: tell(ctx, vm, job, "Done"),
        lambda: input_sandbox(ctx, vm.id, job),
        lambda: store_output(ctx, vm.id, job),
    ):
        with pytest.raises(NotAllowed, match="another VO"):
            ask()


@pytest.mark.parametrize("job", [1, 0, -1, 2**63, 10**40])
def test_an_unknown_job_is_named(ctx: TestContext, vm: Vm, job: int) -> None:
    """Any number that is no job is said to be none."""
    with pytest.raises(UnknownThing, match=f"job {job}"):
        tell(ctx, vm, job, "Done")


@pytest.mark.parametrize(
    ("state", "more", "where"),
    [
        ("Waiting", {}, "state"),
        ("Killed", {}, "state"),
        ("Done", {"exit_code": 10**40}, "exit_code"),
        ("Done", {"output": "0" * 64}, "output"),
        ("Done", {"output": "../../etc/passwd"}, "passwd"),
    ],
)
def test_a_report_that_cannot_be_is_refused(
    ctx: TestContext, vm: Vm, state: str, more: dict[str, Any], where: str
) -> None:
    """States a VM cannot know, absurd exit codes and outputs never uploaded are bad input; the job stays as it is."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    with pytest.raises(BadInput) as caught:
        tell(ctx, vm, job, state, **more)
    assert where in caught.value.where
    assert job_of(ctx, job).state is JobState.MATCHED


def test_the_input_sandbox_is_handed_over(ctx: TestContext, vm: Vm) -> None:
    """The file is the blob that was submitted."""
    submit(ctx, input_sandbox=ctx.blobs.put(b"inputs"))
    assert input_sandbox(ctx, vm.id, matched(ctx, vm).job.id).read_bytes() == b"inputs"


@pytest.mark.parametrize("blob", ["", "0" * 64])
def test_a_missing_input_sandbox_is_said(ctx: TestContext, vm: Vm, blob: str) -> None:
    """No sandbox, or one whose blob is lost, is an unknown thing of this job."""
    submit(ctx, input_sandbox=blob)
    with pytest.raises(UnknownThing, match="sandbox"):
        input_sandbox(ctx, vm.id, matched(ctx, vm).job.id)


def test_an_output_that_is_not_kept_leaves_nothing(ctx: TestContext, vm: Vm) -> None:
    """An upload that breaks off leaves no file."""
    submit(ctx)
    with store_output(ctx, vm.id, matched(ctx, vm).job.id) as incoming:
        incoming.write(b"half")
    assert [path for path in ctx.blobs.root.rglob("*") if path.is_file()] == []


def test_a_drained_vm_still_delivers(ctx: TestContext, vm: Vm) -> None:
    """A Draining VM reports and stores the output of what it still runs."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    bring(ctx, vm, VmState.DRAINING)
    tell(ctx, vm, job, "Done", exit_code=0)
    assert job_of(ctx, job).state is JobState.DONE


def test_what_a_payload_used_is_kept_with_its_job(ctx: TestContext, vm: Vm) -> None:
    """It stands in the job and in the event of its end, and goes when the job waits again."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    tell(ctx, vm, job, "Running")
    assert job_of(ctx, job).used == Used()
    tell(ctx, vm, job, "Failed", exit_code=1, cpu_seconds=12.5, peak_ram_mb=300)
    assert job_of(ctx, job).used == Used(12.5, 300)
    [event] = events(ctx, "job.failed")
    assert (event.data["used_cpu_seconds"], event.data["peak_ram_mb"]) == (12.5, 300)
    with ctx.ledger.write() as tx:
        assert tx.jobs.requeue(job, at=ctx.clock.now(), minor="rescheduled")
    assert job_of(ctx, job).used == Used()


@pytest.mark.parametrize("used", [-1.0, 1e300, float("inf"), float("nan")])
def test_what_no_payload_can_have_used_is_not_known(ctx: TestContext, vm: Vm, used: float) -> None:
    """A worker's nonsense about what a payload used does not keep its job from its end."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    tell(ctx, vm, job, "Done", exit_code=0, cpu_seconds=used, peak_ram_mb=-1)
    assert (job_of(ctx, job).state, job_of(ctx, job).used) == (JobState.DONE, Used())


def test_a_lost_job_waits_again(ctx: TestContext, vm: Vm) -> None:
    """A job that was cut off on its VM waits for its next attempt; told again it is a late report."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    report(ctx, vm.id, job, 1, Told(state="Lost", minor="its worker was cut off", exit_code=None, output=""))
    again = job_of(ctx, job)
    assert (again.state, again.attempt, again.vm, again.minor) == (JobState.WAITING, 2, "", "its worker was cut off")
    with pytest.raises(Conflict):
        report(ctx, vm.id, job, 1, Told(state="Lost", minor="", exit_code=None, output=""))
    assert job_of(ctx, job) == again


def test_a_job_that_is_done_is_not_lost(ctx: TestContext, vm: Vm) -> None:
    """What ended before its worker was cut off stays as it ended."""
    submit(ctx)
    job = matched(ctx, vm).job.id
    report(ctx, vm.id, job, 1, Told(state="Done", minor="", exit_code=0, output=""))
    with pytest.raises(Conflict):
        report(ctx, vm.id, job, 1, Told(state="Lost", minor="", exit_code=None, output=""))
    assert job_of(ctx, job).state is JobState.DONE


def test_a_job_that_did_not_fit_waits_again(ctx: TestContext, vm: Vm) -> None:
    """What a VM returns unstarted is lost to nobody: it waits with its next attempt; the same report again is late."""
    job = submit(ctx)
    matched(ctx, vm)
    tell(ctx, vm, job.id, "Returned", minor="does not fit: gpus 1 of 0")
    again = job_of(ctx, job.id)
    assert (again.state, again.attempt, again.vm) == (JobState.WAITING, 2, "")
    assert [event.data["minor"] for event in events(ctx, "job.rescheduled")] == ["does not fit: gpus 1 of 0"]
    with pytest.raises(Conflict, match="rescheduled"):
        tell(ctx, vm, job.id, "Returned")


def test_a_job_that_runs_cannot_be_returned(ctx: TestContext, vm: Vm) -> None:
    """Only what never started can be given to another VM as if nothing had happened."""
    job = submit(ctx)
    matched(ctx, vm)
    tell(ctx, vm, job.id, "Running")
    with pytest.raises(Conflict, match="Running"):
        tell(ctx, vm, job.id, "Returned")
    assert job_of(ctx, job.id).state is JobState.RUNNING


def test_a_vm_gathers_room_for_a_job_that_waited_long(ctx: TestContext, vm: Vm) -> None:
    """Of two busy VMs the one that lacks least for a large old job starts nothing; once it is empty it takes that."""
    other, first = add_vm(ctx, state=VmState.RUNNING), list[Job]()
    for cores, one in ((6, vm), (7, other)):
        first.append(submit(ctx, cores=cores))
        assert matched(ctx, one).job.id == first[-1].id
    large = submit(ctx, cores=8)
    ctx.clock.advance(LONG_WAIT)
    small = submit(ctx)
    assert match(ctx, vm.id, BUSY, ["any"]) is None
    assert f"gathers room for queue {large.queue}, whose oldest job waited {LONG_WAIT:.0f} s" in told(ctx, vm.id)
    assert matched(ctx, other, BUSY).job.id == small.id
    assert "gathers" not in told(ctx, other.id)
    tell(ctx, vm, first[0].id, "Running")
    tell(ctx, vm, first[0].id, "Done")
    assert matched(ctx, vm).job.id == large.id
