"""Deadlines: what moves, what only raises an alarm."""

from __future__ import annotations

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import give_job, launched, pass_time
from tests.support.context import TestContext, add_vm, events, row_of
from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import aging, fleet, presence, pulse
from vmdirac_py.operations.explain import why


def beat(ctx: TestContext, vm: Vm) -> None:
    """Let a VM be heard."""
    presence.flush(ctx, [Heartbeat(vm.id, ctx.clock.now(), {})])


def test_a_vm_that_never_boots_is_ended(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """After the boot deadline it fails, is cleaned up, and the cloud is empty."""
    vm = launched(ctx, cloud, state=VmState.SUBMITTED)
    pass_time(ctx, 1800 + 600)
    assert row_of(ctx, vm.id).state is VmState.HALTED
    assert not cloud.alive()


def test_a_second_look_changes_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Deadlines are applied once."""
    launched(ctx, cloud, state=VmState.SUBMITTED)
    ctx.clock.advance(1800)
    assert aging.advance(ctx).moved
    before = len(events(ctx))
    assert aging.advance(ctx).moved == ()
    assert len(events(ctx)) == before


def test_a_busy_vm_is_not_ended_by_its_drain_deadline(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The payload runs on, a person is told once, and `why` tells it too."""
    vm = launched(ctx, cloud)
    give_job(ctx, vm)
    fleet.drain(ctx, [vm.id], actor="ann", seconds=100)
    for _ in range(5):
        ctx.clock.advance(60)
        beat(ctx, vm)
        report = aging.advance(ctx)
    assert (row_of(ctx, vm.id).state, report.alarms) == (VmState.DRAINING, (vm.id,))
    assert [event.subject for event in events(ctx, "alarm.vm")] == [vm.id]
    assert any("nobody ends them" in line.text for line in why(ctx, vm.id))


def test_an_idle_vm_is_ended_by_its_drain_deadline(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A drain given so many seconds takes no longer, whatever its pool says."""
    vm = launched(ctx, cloud)
    fleet.drain(ctx, [vm.id], actor="ann", seconds=100)
    ctx.clock.advance(100)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.STOPPING


def test_the_end_of_life_is_an_order(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A VM drained because of its age is told so, like one drained by hand."""
    vm = launched(ctx, cloud)
    ctx.clock.advance(14 * 86400.0)
    beat(ctx, vm)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.DRAINING
    assert [order.verb for order in presence.heartbeat(ctx, vm.id, {"slots": []}).orders] == ["drain"]


def hear(ctx: TestContext, *, seconds: float) -> None:
    """Let time pass while the manager listens."""
    with ctx.ledger.write() as tx:
        tx.documents.save(pulse.DOCUMENT, {"since": ctx.clock.now(), "at": ctx.clock.now() + seconds})
    ctx.clock.advance(seconds)


def test_nobody_is_silent_while_nobody_listens(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A manager that is down makes no VM Stalled, and one that came back hears them out first."""
    vm = launched(ctx, cloud)
    ctx.clock.advance(86400)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.RUNNING
    pulse.beat(ctx)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.RUNNING
    hear(ctx, seconds=601)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.STALLED
    ctx.clock.advance(86400)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.STALLED


def test_silence_stalls_and_a_heartbeat_brings_back(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A silent VM is Stalled, not ended; heard again it is Running."""
    vm = launched(ctx, cloud)
    hear(ctx, seconds=601)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.STALLED
    presence.heartbeat(ctx, vm.id, {"slots": []})
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.RUNNING


def test_a_stopped_vm_without_an_instance_is_halted(ctx: TestContext) -> None:
    """Stopping has a way out also where nothing was ever launched."""
    vm = add_vm(ctx, state=VmState.FAILED)
    fleet.halt(ctx, [vm.id], actor="ann")
    ctx.clock.advance(3600)
    aging.advance(ctx)  # its claimed batch becomes doubtful, and stays so until a listing
    assert row_of(ctx, vm.id).state is VmState.STOPPING
    with ctx.ledger.write() as tx:
        (batch,) = tx.batches.in_states(aging.OPEN_BATCHES)
        tx.batches.settle(batch.id, aging.OPEN_BATCHES, aging.BatchState.CLOSED, at=ctx.clock.now())
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.HALTED


def test_the_next_deadline_is_the_earliest(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The scheduler may sleep until then."""
    assert aging.next_deadline(ctx) == float("inf")
    vm = launched(ctx, cloud, state=VmState.SUBMITTED)
    assert aging.next_deadline(ctx) == vm.deadline == ctx.clock.now() + 1800
