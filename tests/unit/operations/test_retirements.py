"""Retire batches: who may be terminated, and how often the cloud is asked."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import cycle, give_job, launched, look, pass_time
from tests.support.context import TestContext, add_vm, batch_of, job_of, row_of, vms_of
from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.clouds.api import AnswerLost, Throttled
from vmdirac_py.model.batch import BatchState, ErrorClass
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import fleet, planning, retirements


def test_a_busy_vm_needs_force(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Without force nothing changes; the error says what runs where and what to do."""
    vm = launched(ctx, cloud)
    job = give_job(ctx, vm)
    with pytest.raises(Conflict, match=f"{vm.id}.*drain first, or use force"):
        retirements.intend(ctx, [vm.id], actor="ann")
    assert row_of(ctx, vm.id).state is VmState.RUNNING
    (batch,) = retirements.intend(ctx, [vm.id], actor="ann", force=True)
    retirements.retire(ctx, batch, actor="ann")
    look(ctx)
    ctx.clock.advance(100)
    look(ctx)
    assert (row_of(ctx, vm.id).state, job_of(ctx, job).state) == (VmState.HALTED, JobState.WAITING)


def test_one_busy_vm_saves_all_that_were_named(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Either all named VMs are retired or none."""
    idle, busy = launched(ctx, cloud), launched(ctx, cloud)
    give_job(ctx, busy)
    with pytest.raises(Conflict):
        retirements.intend(ctx, [idle.id, busy.id], actor="ann")
    assert [vm.state for vm in vms_of(ctx)] == [VmState.RUNNING] * 2


def test_terminated_is_not_halted(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """That the cloud took the request proves nothing: two listings must lack the instance."""
    vm = launched(ctx, cloud)
    cloud.deaf = True
    (batch,) = retirements.intend(ctx, [vm.id], actor="ann")
    assert retirements.retire(ctx, batch, actor="ann").state is BatchState.CLOSED
    pass_time(ctx, 60)
    assert row_of(ctx, vm.id).state is VmState.STOPPING


def test_a_deaf_cloud_is_asked_again(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """An instance that does not end is terminated again every two minutes, not at every cycle."""
    vm = launched(ctx, cloud)
    cloud.deaf = True
    fleet.halt(ctx, [vm.id], actor="ann")
    pass_time(ctx, 600, step=10)
    assert 4 <= len(cloud.terminations) <= 6
    cloud.deaf = False
    pass_time(ctx, 300)
    assert row_of(ctx, vm.id).state is VmState.HALTED


def test_a_repeat_sends_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A retire batch is claimed like any other."""
    (batch,) = retirements.intend(ctx, [launched(ctx, cloud).id], actor="ann")
    assert retirements.retire(ctx, batch, actor="ann").sent
    assert not retirements.retire(ctx, batch, actor="ben").sent
    assert len(cloud.terminations) == 1


@pytest.mark.parametrize(
    ("error", "state"), [(Throttled, BatchState.ANSWERED), (AnswerLost, BatchState.UNKNOWN)], ids=["refused", "lost"]
)
def test_a_failed_termination_is_tried_again(
    ctx: TestContext, cloud: ScriptedCloud, error: type[Throttled], state: BatchState
) -> None:
    """Refused or in doubt, the VM stays Stopping and goes when the cloud is better."""
    vm = launched(ctx, cloud)
    (batch,) = retirements.intend(ctx, [vm.id], actor="ann")
    cloud.unreachable = error
    assert retirements.retire(ctx, batch, actor="ann").state is state
    cloud.unreachable = None
    pass_time(ctx, 900)
    assert row_of(ctx, vm.id).state is VmState.HALTED
    assert batch_of(ctx, batch).error_class in {ErrorClass.THROTTLED, ErrorClass.LOST}


def test_nothing_to_terminate_is_no_call(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A VM without an instance is retired without asking the cloud."""
    vm = add_vm(ctx, state=VmState.NEW)
    (batch,) = retirements.intend(ctx, [vm.id], actor="ann")
    assert retirements.retire(ctx, batch, actor="ann").state is BatchState.CLOSED
    assert not cloud.terminations


def test_terminations_are_capped(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """One plan asks for at most `max_terminations` an endpoint; the rest follows with the next."""
    vms = [launched(ctx, cloud) for _ in range(5)]
    ctx.settings = ctx.settings.model_copy(update={"max_terminations": 2})
    fleet.halt(ctx, [vm.id for vm in vms], actor="ann")
    for _ in range(3):
        cycle(ctx)
    assert [len(ids) for ids in cloud.terminations] == [2, 2, 1]


def test_an_order_in_flight_is_not_written_again(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """While a retire batch is being dealt with, plans leave its VMs alone."""
    fleet.halt(ctx, [launched(ctx, cloud).id], actor="ann")
    assert planning.commit(ctx, actor="test").retires
    assert not planning.commit(ctx, actor="test").retires


def test_bad_names_change_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """No VM, an unknown VM and a Halted VM are refused by name."""
    vm = launched(ctx, cloud)
    halted = add_vm(ctx, state=VmState.HALTED)
    with pytest.raises(BadInput, match="no VM was named"):
        retirements.intend(ctx, [], actor="ann")
    with pytest.raises(UnknownThing, match="vm-none"):
        retirements.intend(ctx, [vm.id, "vm-none"], actor="ann")
    with pytest.raises(BadInput, match=f"{halted.id}: already Halted"):
        retirements.intend(ctx, [vm.id, halted.id], actor="ann")
    with pytest.raises(UnknownThing, match="r-none"):
        retirements.retire(ctx, "r-none", actor="ann")
    assert row_of(ctx, vm.id).state is VmState.RUNNING
