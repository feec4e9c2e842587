"""Whether VMs find the work they were launched for."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import act, cycle, launched, look
from tests.support.context import TestContext, bring, events, row_of, submit, vms_of
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.job import Job, JobState
from vmdirac_py.model.plan import SoftEnd
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import aging, fleet, memory, planning, presence, pulse, work
from vmdirac_py.planner.retire.no_match import IN_VAIN_SECONDS

CLAIM = work.Claim(8, 8, 16000, 0, empty=True, seconds_left=1e6)
BUSY = work.Claim(8, 7, 14000, 0, empty=False, seconds_left=1e6)
FULL = work.Claim(8, 0, 16000, 0, empty=True, seconds_left=1e6)
pytestmark = pytest.mark.usefixtures("cloud")
TOPICS = ("vm.worked", "vm.unmatched")
BOOT = 90.0


def planned(ctx: TestContext) -> tuple[Vm, Job]:
    """Return a Running VM that a plan launched for a job, and that job, which still waits."""
    job = submit(ctx)
    planning.commit(ctx, actor="test")
    act(ctx)
    (vm,) = vms_of(ctx)
    ctx.clock.advance(BOOT)
    for state in (VmState.CONTEXTUALISING, VmState.RUNNING):
        vm = bring(ctx, vm, state)
    return vm, job


def told(ctx: TestContext) -> list[tuple[str, str, list[str]]]:
    """Return what was told of VMs: topic, VM and shapes."""
    return [(one.topic, one.subject, one.data["shapes"]) for one in events(ctx, *TOPICS)]


def drain(ctx: TestContext, vm: Vm, reason: Reason) -> None:
    """Drain an empty VM to its end."""
    with ctx.ledger.write() as tx:
        fleet.drain_in(tx, ctx.inventory(), [vm], reason=reason, actor="test", at=ctx.clock.now())
    presence.acknowledge(ctx, vm.id, "drain", empty=True)
    assert row_of(ctx, vm.id).state is VmState.STOPPING


def test_the_first_payload_is_told_once(ctx: TestContext) -> None:
    """With what the VM was launched for; further payloads, and its end, say nothing more."""
    vm, job = planned(ctx)
    submit(ctx)
    for _ in range(2):
        assert work.match(ctx, vm.id, BUSY, ["any"])
    assert presence.leave(ctx, vm.id, "end_of_life")
    assert told(ctx) == [("vm.worked", vm.id, [job.spec.shape.fingerprint])]
    (outcome,) = [one for one in planning.snapshot(ctx).outcomes if one.shapes]
    assert (outcome.launched, outcome.error_class, outcome.booted) == (1, None, True)


def test_a_vm_that_ran_in_vain_holds_its_pool_back(ctx: TestContext) -> None:
    """It leaves without a payload although its job waits: no further VM for such jobs before the back-off is over."""
    vm, job = planned(ctx)
    shape = job.spec.shape
    assert work.match(ctx, vm.id, FULL, ["any"]) is None
    assert presence.leave(ctx, vm.id, "idle")
    assert told(ctx) == [("vm.unmatched", vm.id, [shape.fingerprint])]
    assert not planning.commit(ctx, actor="test").launches
    with ctx.ledger.read() as tx:
        budget = memory.load(tx).match(ctx.inventory().pools[vm.pool], shape)
    assert budget.error_class is ErrorClass.NO_MATCH
    ctx.clock.advance(budget.not_before - ctx.clock.now())
    assert planning.commit(ctx, actor="test").launches


def test_one_payload_ends_the_back_off(ctx: TestContext) -> None:
    """The probe that finds work shows that such jobs do match there."""
    vm, _ = planned(ctx)
    presence.leave(ctx, vm.id, "idle")
    cycle(ctx)
    ctx.clock.advance(301)
    cycle(ctx)
    (probe,) = vms_of(ctx, VmState.SUBMITTED)
    for state in (VmState.CONTEXTUALISING, VmState.RUNNING):
        probe = bring(ctx, probe, state)
    assert work.match(ctx, probe.id, CLAIM, ["any"])
    cycle(ctx)
    with ctx.ledger.read() as tx:
        assert not memory.load(tx).no_match


def test_work_that_others_took_is_no_fault(ctx: TestContext) -> None:
    """No job of what it was launched for waits any more when it leaves."""
    vm, job = planned(ctx)
    with ctx.ledger.write() as tx:
        tx.jobs.move(job.id, (JobState.WAITING,), JobState.KILLED, at=ctx.clock.now())
    submit(ctx, cores=3)
    assert presence.leave(ctx, vm.id, "idle")
    assert told(ctx) == []


@pytest.mark.parametrize(("waited", "count"), [(IN_VAIN_SECONDS - 1, 0), (IN_VAIN_SECONDS, 1)])
def test_jobs_that_came_later_must_have_waited(ctx: TestContext, waited: float, count: int) -> None:
    """A job that was submitted while the VM was about to leave was never asked for."""
    vm, job = planned(ctx)
    with ctx.ledger.write() as tx:
        tx.jobs.move(job.id, (JobState.WAITING,), JobState.KILLED, at=ctx.clock.now())
    ctx.clock.advance(1)
    submit(ctx)
    ctx.clock.advance(waited)
    assert presence.leave(ctx, vm.id, "idle")
    assert len(told(ctx)) == count


def test_jobs_its_soft_end_kept_away_are_no_fault(ctx: TestContext) -> None:
    """That it took none was our own wish."""
    vm, _ = planned(ctx)
    with ctx.ledger.write() as tx:
        tx.vms.soften([SoftEnd(vm.id, ctx.clock.now() + 1)])
    assert presence.leave(ctx, vm.id, "idle")
    assert told(ctx) == []


def test_a_vm_launched_by_hand_was_launched_for_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Whether it finds work or not says nothing of what was never tried."""
    submit(ctx)
    ctx.clock.advance(1)
    idle, busy = launched(ctx, cloud), launched(ctx, cloud)
    assert presence.leave(ctx, idle.id, "idle")
    assert work.match(ctx, busy.id, CLAIM, ["any"])
    assert told(ctx) == []


@pytest.mark.parametrize(
    ("reason", "count"),
    [
        (Reason.of("retire.no_match", matches=5), 1),
        (Reason.of("retire.idle", seconds=300), 1),
        (Reason.of("over.pool", name="astro-8", limits="1"), 0),
        (Reason.of("drain.by_hand", actor="ann"), 0),
        (Reason.of("retire.drift_image", has="a", pool="astro-8", wants="b"), 0),
    ],
)
def test_an_end_that_was_wished_tells_nothing(ctx: TestContext, reason: Reason, count: int) -> None:
    """Neither people's wishes nor limits say that the VM was of no use; a policy that finds it useless does."""
    vm, _ = planned(ctx)
    drain(ctx, vm, reason)
    assert len(told(ctx)) == count


def test_an_instance_that_ended_unused_is_told(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Seen by a listing, straight from Running to Halted; once."""
    vm, job = planned(ctx)
    look(ctx)
    cloud.kill(vm.instance_id)
    for _ in range(3):
        ctx.clock.advance(10)
        look(ctx)
    assert row_of(ctx, vm.id).state is VmState.HALTED
    assert told(ctx) == [("vm.unmatched", vm.id, [job.spec.shape.fingerprint])]


def test_a_vm_that_fell_silent_unused_is_told(ctx: TestContext) -> None:
    """Stalled, then stopped by its deadline."""
    vm, _ = planned(ctx)
    for state in (VmState.STALLED, VmState.STOPPING):
        ctx.clock.advance(ctx.inventory().pools[vm.pool].stalled_after + 1)
        with ctx.ledger.write() as tx:  # the manager has listened all the while
            tx.documents.save(pulse.DOCUMENT, {"since": vm.created_at, "at": ctx.clock.now()})
        aging.advance(ctx)
        assert row_of(ctx, vm.id).state is state
    assert len(told(ctx)) == 1
