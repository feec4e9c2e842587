"""Signs of life, orders and leaving."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.context import (
    TestContext,
    add_vm,
    bring,
    events,
    job_of,
    make_context,
    make_inventory,
    make_pool,
    row_of,
    submit,
)
from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.model.inventory import STOP_POLICIES
from vmdirac_py.model.job import JobState
from vmdirac_py.model.plan import SoftEnd
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import aging, worker_terms
from vmdirac_py.operations.callers import VmGone
from vmdirac_py.operations.presence import (
    FOR_WANT_OF_WORK,
    LEAVINGS,
    UNHEARD_SECONDS,
    acknowledge,
    flush,
    heartbeat,
    leave,
    time,
)
from vmdirac_py.operations.purpose import UNWISHED
from vmdirac_py.worker import policy

BEAT = {"state": "running", "load": 0.5, "slots": []}


def order(ctx: TestContext, vm: Vm, verb: str) -> None:
    """Give a VM an order."""
    with ctx.ledger.write() as tx:
        tx.commands.give([vm.id], verb, at=ctx.clock.now(), deadline={vm.id: ctx.clock.now() + 60}, actor="unix:ann")


def beat_with(*jobs: int) -> dict[str, object]:
    """Return a sign of life with these jobs in slots."""
    return {**BEAT, "slots": [{"job": job, "cores": 1, "started_at": 1.0} for job in jobs]}


def test_a_job_that_is_not_the_vms_any_more_shall_be_ended(ctx: TestContext) -> None:
    """A slot whose job was killed, or runs elsewhere, is in the answer; one whose job is the VM's is not."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    kept, killed = give_job(ctx, vm), give_job(ctx, vm)
    with ctx.ledger.write() as tx:
        tx.jobs.move(killed, (JobState.MATCHED,), JobState.KILLED, at=ctx.clock.now())
    assert heartbeat(ctx, vm.id, beat_with(kept, killed)).kill == (killed,)


def test_a_match_that_never_arrived_is_given_back(ctx: TestContext) -> None:
    """A job matched long ago that no heartbeat shows waits again; a fresh one and a shown one stay."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    lost, shown = give_job(ctx, vm), give_job(ctx, vm)
    ctx.clock.advance(UNHEARD_SECONDS + 1)
    fresh = give_job(ctx, vm)
    heartbeat(ctx, vm.id, beat_with(shown))
    assert [job_of(ctx, job).state for job in (lost, shown, fresh)] == ["Waiting", "Matched", "Matched"]


def test_a_job_whose_reports_are_on_their_way_is_not_run_again(ctx: TestContext) -> None:
    """A job matched long ago that is in no slot any more stays the VM's while its reports wait to be delivered."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    ended, lost = give_job(ctx, vm), give_job(ctx, vm)
    ctx.clock.advance(UNHEARD_SECONDS + 1)
    heartbeat(ctx, vm.id, {**BEAT, "undelivered": [ended]})
    assert [job_of(ctx, job).state for job in (ended, lost)] == ["Matched", "Waiting"]


def draining(ctx: TestContext) -> Vm:
    """Return a VM that was told to drain."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    order(ctx, vm, "drain")
    return bring(ctx, vm, VmState.DRAINING)


def give_job(ctx: TestContext, vm: Vm) -> int:
    """Let a VM have a job."""
    job = submit(ctx, vo=vm.vo)
    with ctx.ledger.write() as tx:
        assert tx.jobs.take(job.queue, vm.id, 1, at=ctx.clock.now())
    return job.id


def test_the_first_heartbeat_makes_a_vm_run(ctx: TestContext) -> None:
    """Contextualising becomes Running before the reply, with an event; the sign of life is kept."""
    vm = add_vm(ctx, state=VmState.CONTEXTUALISING)
    answer = heartbeat(ctx, vm.id, BEAT)
    row = row_of(ctx, vm.id)
    assert (row.state, row.last_seen) == (VmState.RUNNING, ctx.clock.now())
    assert [event.subject for event in events(ctx, "vm.running")] == [vm.id]
    assert (answer.heartbeat_seconds, answer.idle_seconds) == (60.0, 600.0)


def test_further_heartbeats_write_nothing(ctx: TestContext) -> None:
    """A heartbeat that moves nothing leaves the ledger as it is: it comes with the flush."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    with ctx.ledger.read() as tx:
        before = tx.events.last(), tx.observations.heartbeats(), len(tx.vms.history(vm.id))
    heartbeat(ctx, vm.id, BEAT)
    with ctx.ledger.read() as tx:
        assert (tx.events.last(), tx.observations.heartbeats(), len(tx.vms.history(vm.id))) == before


def test_a_flush_keeps_the_newest_of_each(ctx: TestContext) -> None:
    """Flushed beats are the VMs' last signs of life, with the time since which their load is what it is."""
    vms = [add_vm(ctx, state=VmState.RUNNING) for _ in range(3)]
    flush(ctx, [Heartbeat(vm.id, ctx.clock.now(), BEAT) for vm in vms])
    with ctx.ledger.read() as tx:
        found = {vm: beat.data for vm, beat in tx.observations.heartbeats().items()}
    assert found == {vm.id: {**BEAT, "load_since": ctx.clock.now()} for vm in vms}
    assert {row_of(ctx, vm.id).last_seen for vm in vms} == {ctx.clock.now()}


def test_a_stalled_vm_comes_back(ctx: TestContext) -> None:
    """A sign of life from a Stalled VM makes it Running again."""
    vm = add_vm(ctx, state=VmState.STALLED)
    heartbeat(ctx, vm.id, BEAT)
    assert row_of(ctx, vm.id).state is VmState.RUNNING


@pytest.mark.parametrize("acked", [False, True])
def test_a_stalled_vm_told_to_drain_comes_back_draining(ctx: TestContext, *, acked: bool) -> None:
    """An order to drain outlives a silence, acknowledged or not: the VM takes no jobs when it is back."""
    vm = draining(ctx)
    if acked:
        acknowledge(ctx, vm.id, "drain", empty=False)
    vm = bring(ctx, vm, VmState.STALLED)
    heartbeat(ctx, vm.id, BEAT)
    assert row_of(ctx, vm.id).state is VmState.DRAINING


@pytest.mark.parametrize("state", [VmState.HALTED, VmState.FAILED])
def test_a_vm_whose_life_is_over_is_told_so(ctx: TestContext, state: VmState) -> None:
    """Halted and Failed VMs get VmGone, which says to power off."""
    with pytest.raises(VmGone, match="power it off"):
        heartbeat(ctx, add_vm(ctx, state=state).id, BEAT)


def test_an_unknown_vm_is_named(ctx: TestContext) -> None:
    """A VM the ledger does not know is not taken for one that is gone."""
    with pytest.raises(UnknownThing, match="vm-none"):
        heartbeat(ctx, "vm-none", BEAT)


def test_orders_come_until_they_are_acknowledged(ctx: TestContext) -> None:
    """An order is repeated with every heartbeat until the VM obeys."""
    vm = draining(ctx)
    assert [one.verb for one in heartbeat(ctx, vm.id, BEAT).orders] == ["drain"]
    acknowledge(ctx, vm.id, "drain", empty=False)
    assert heartbeat(ctx, vm.id, BEAT).orders == ()
    assert row_of(ctx, vm.id).state is VmState.DRAINING


def test_a_drained_vm_stops(ctx: TestContext) -> None:
    """Told to drain and empty: Draining becomes Stopping with an event, also after a first "not empty yet"."""
    vm = draining(ctx)
    acknowledge(ctx, vm.id, "drain", empty=False)
    acknowledge(ctx, vm.id, "drain", empty=True)
    assert row_of(ctx, vm.id).state is VmState.STOPPING
    assert [event.subject for event in events(ctx, "vm.drained")] == [vm.id]


def test_a_drained_vm_with_reports_on_their_way_stops_when_it_leaves(ctx: TestContext) -> None:
    """Nothing runs any more but the ledger waits for a report: no stop yet; at leaving, what never came waits again."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    job = give_job(ctx, vm)
    order(ctx, vm, "drain")
    bring(ctx, vm, VmState.DRAINING)
    acknowledge(ctx, vm.id, "drain", empty=True)
    assert (row_of(ctx, vm.id).state, job_of(ctx, job).state) == (VmState.DRAINING, JobState.MATCHED)
    assert leave(ctx, vm.id, "drained")
    assert (row_of(ctx, vm.id).state, job_of(ctx, job).attempt) == (VmState.STOPPING, 2)


def test_an_acknowledgement_needs_an_order(ctx: TestContext) -> None:
    """A VM that was told nothing cannot obey; a verb that does not exist is bad input. Nothing changes."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    with pytest.raises(Conflict, match="never told"):
        acknowledge(ctx, vm.id, "drain", empty=True)
    with pytest.raises(BadInput, match="no such command"):
        acknowledge(ctx, vm.id, "explode", empty=True)
    assert row_of(ctx, vm.id) == vm


@pytest.mark.parametrize("state", [VmState.CONTEXTUALISING, VmState.RUNNING, VmState.DRAINING, VmState.STALLED])
def test_an_idle_vm_may_go(ctx: TestContext, state: VmState) -> None:
    """Without a minimum in its pool an idle VM of any living state may power off, and becomes Stopping."""
    vm = add_vm(ctx, state=state)
    assert leave(ctx, vm.id, "idle", "600 s without a job", 300)
    row = row_of(ctx, vm.id)
    assert row.state is VmState.STOPPING
    assert row.reason is not None
    assert row.reason.as_dict == {"reason": "idle", "detail": "600 s without a job", "hepix": 300}
    assert [event.subject for event in events(ctx, "vm.left")] == [vm.id]


def test_a_vm_that_its_cloud_takes_back_went_for_no_fault_of_its_own(ctx: TestContext) -> None:
    """It has a reason of its own in words, and is not held against its pool."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    assert leave(ctx, vm.id, "taken_back", "", 100)
    row = row_of(ctx, vm.id)
    assert (row.state, row.reason and row.reason.code) == (VmState.STOPPING, "vm.taken")
    assert "vm.taken" not in UNWISHED


def test_a_repeated_leave_is_answered_the_same(ctx: TestContext) -> None:
    """A lost reply to leave is no problem: go, and one event."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    assert [leave(ctx, vm.id, "idle"), leave(ctx, vm.id, "idle")] == [True, True]
    assert len(events(ctx, "vm.left")) == 1


def test_a_pool_keeps_its_minimum(tmp_path: Path) -> None:
    """Of three idle VMs in a pool that keeps two, one may go; drained or in error any of them may."""
    ctx = make_context(tmp_path, inventory=make_inventory(make_pool("astro-8", "astro", min_vms=2)))
    vms = [add_vm(ctx, state=VmState.RUNNING) for _ in range(3)]
    assert [leave(ctx, vm.id, "idle") for vm in vms] == [True, False, False]
    assert leave(ctx, vms[1].id, "error", "disk broken")
    ctx.ledger.close()


def test_a_warm_pool_keeps_its_empty_vms(tmp_path: Path) -> None:
    """Of two VMs, one at work, a pool that keeps one empty keeps the idle one; once both are idle one may go."""
    ctx = make_context(tmp_path, inventory=make_inventory(make_pool("astro-8", "astro", mode="warm", min_vms=1)))
    idle, busy = [add_vm(ctx, state=VmState.RUNNING) for _ in range(2)]
    job = submit(ctx)
    with ctx.ledger.write() as tx:
        assert tx.jobs.take(job.queue, busy.id, 1, at=ctx.clock.now())
    assert leave(ctx, idle.id, "idle") is False
    with ctx.ledger.write() as tx:
        assert tx.jobs.move(job.id, {JobState.MATCHED}, JobState.DONE, at=ctx.clock.now(), vm=busy.id)
    assert leave(ctx, idle.id, "idle") is True
    ctx.ledger.close()


def test_jobs_of_a_leaving_vm_wait_again_until_their_last_attempt(ctx: TestContext) -> None:
    """A job survives two VMs; with the third it fails and says why."""
    job = submit(ctx)
    for expected in (JobState.WAITING, JobState.WAITING, JobState.FAILED):
        vm = add_vm(ctx, state=VmState.RUNNING)
        with ctx.ledger.write() as tx:
            assert tx.jobs.take(job.queue, vm.id, 1, at=ctx.clock.now())
        leave(ctx, vm.id, "error", "kernel panic")
        assert job_of(ctx, job.id).state is expected
    assert "Rescheduled too often" in job_of(ctx, job.id).minor
    assert len(events(ctx, "job.rescheduled")) == 2


def test_a_made_up_reason_is_refused(ctx: TestContext) -> None:
    """The reasons for leaving are known; others are bad input that names them."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    with pytest.raises(BadInput, match="end_of_life"):
        leave(ctx, vm.id, "bored")
    assert row_of(ctx, vm.id) == vm


def test_an_idle_vm_stays_for_its_minimum_life(tmp_path: Path) -> None:
    """It may go once its pool's `min_life` is over, counted from the intent; a drained one need not stay."""
    ctx = make_context(tmp_path, inventory=make_inventory(make_pool("astro-8", "astro", min_life=600.0)))
    idle, drained = add_vm(ctx, state=VmState.RUNNING), add_vm(ctx, state=VmState.DRAINING)
    ctx.clock.advance(599)
    assert not leave(ctx, idle.id, "idle")
    assert leave(ctx, drained.id, "drained")
    ctx.clock.advance(1)
    assert leave(ctx, idle.id, "idle")
    ctx.ledger.close()


def test_a_static_pool_keeps_its_idle_vms(tmp_path: Path) -> None:
    """Up to its `max_vms`, whatever waits."""
    ctx = make_context(tmp_path, inventory=make_inventory(make_pool("astro-8", "astro", mode="static", max_vms=1)))
    one, other = (add_vm(ctx, state=VmState.RUNNING) for _ in range(2))
    assert leave(ctx, one.id, "idle")
    assert not leave(ctx, other.id, "idle")
    ctx.ledger.close()


def test_a_soft_end_stops_nobody(ctx: TestContext) -> None:
    """A VM whose soft end has passed is given no order, and ages as any other."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    with ctx.ledger.write() as tx:
        tx.vms.soften([SoftEnd(vm.id, ctx.clock.now() + 1)])
    ctx.clock.advance(60)
    assert heartbeat(ctx, vm.id, BEAT).orders == ()
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.RUNNING


def test_a_vm_that_takes_no_more_jobs_is_draining(ctx: TestContext) -> None:
    """A Running VM that says it is draining is Draining from then on, with its jobs, and is moved once."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    job = give_job(ctx, vm)
    for _ in range(2):
        heartbeat(ctx, vm.id, {**beat_with(job), "state": "draining"})
    assert row_of(ctx, vm.id).state is VmState.DRAINING
    assert [event.subject for event in events(ctx, "vm.closed")] == [vm.id]
    assert job_of(ctx, job).state is JobState.MATCHED


@pytest.mark.parametrize("reason", sorted(FOR_WANT_OF_WORK))
def test_whoever_wants_work_is_kept_by_the_minimum(tmp_path: Path, reason: str) -> None:
    """Whatever policy sends it away, a VM without work stays while its pool keeps a minimum."""
    ctx = make_context(tmp_path, inventory=make_inventory(make_pool("astro-8", "astro", min_vms=1)))
    vm = add_vm(ctx, state=VmState.RUNNING)
    assert not leave(ctx, vm.id, reason)
    assert row_of(ctx, vm.id).state is VmState.RUNNING
    ctx.ledger.close()


def test_a_heartbeat_brings_the_pools_stop_policies(tmp_path: Path) -> None:
    """What the inventory says now about stopping is told with each answer, as the worker reads it."""
    pool = make_pool("astro-8", "astro", stop_policies=("soft_end", "no_cpu"), soft_life=7200.0, quiet_seconds=60.0)
    ctx = make_context(tmp_path, inventory=make_inventory(pool))
    told = heartbeat(ctx, add_vm(ctx, state=VmState.RUNNING).id, BEAT).stop_policies
    read = policy.terms(told)
    assert (read.policies, read.soft_life, read.quiet_seconds) == (("soft_end", "no_cpu"), 7200.0, 60.0)
    ctx.ledger.close()


def test_the_worker_the_manager_and_the_inventory_speak_of_the_same_policies() -> None:
    """Every reason a worker gives for leaving is understood, and the names of policies are the same everywhere."""
    told = {rule.reason for rule in policy.RULES} - set(policy.UNTOLD)
    assert told <= LEAVINGS
    assert frozenset(policy.MAY_BE_KEPT) == FOR_WANT_OF_WORK
    assert policy.POLICIES == STOP_POLICIES
    pool = make_pool("astro-8", "astro")
    assert policy.terms(worker_terms.stop_policies(pool)) == policy.Terms()
    assert set(worker_terms.stop_policies(pool)) == set(policy.Terms._fields)


@pytest.mark.parametrize(
    ("state", "to"),
    [
        (VmState.CONTEXTUALISING, VmState.FAILED),
        (VmState.RUNNING, VmState.STOPPING),
        (VmState.DRAINING, VmState.STOPPING),
        (VmState.STALLED, VmState.STOPPING),
    ],
)
def test_an_unfit_vm_counts_against_its_pool_once(ctx: TestContext, state: VmState, to: VmState) -> None:
    """A VM that finds itself unfit ends with its words and as stillborn; its second goodbye and its end add nothing."""
    vm = add_vm(ctx, state=state, instance="i-1")
    assert leave(ctx, vm.id, "environment", "no CVMFS")
    row = row_of(ctx, vm.id)
    assert (row.state, row.reason) == (to, Reason.of("vm.unfit", detail="no CVMFS"))
    if to is VmState.FAILED:
        with pytest.raises(VmGone):
            leave(ctx, vm.id, "environment", "no CVMFS")
    else:
        assert leave(ctx, vm.id, "environment", "no CVMFS")
    ctx.clock.advance(10_000)
    aging.advance(ctx)
    assert [event.subject for event in events(ctx, "vm.stillborn")] == [vm.id]
    assert events(ctx, "vm.unmatched") == []


def test_asking_for_the_time_is_no_sign_of_life(ctx: TestContext) -> None:
    """A VM that looks at its clock is not ready for jobs by that."""
    vm = add_vm(ctx, state=VmState.CONTEXTUALISING, instance="i-1")
    assert time(ctx, vm.id) == ctx.clock.now()
    assert row_of(ctx, vm.id).state is VmState.CONTEXTUALISING
