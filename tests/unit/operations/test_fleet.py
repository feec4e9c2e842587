"""What people tell VMs: drain and halt."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import cycle, give_job, launched
from tests.support.context import TestContext, add_vm, row_of, submit
from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.lifecycle.states import BOOTING
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import fleet, presence, work


@pytest.mark.parametrize("state", sorted(BOOTING))
def test_draining_a_booting_vm_stops_it(ctx: TestContext, state: VmState) -> None:
    """It has nothing to finish."""
    vm = add_vm(ctx, state=state, instance="i-1")
    assert fleet.drain(ctx, [vm.id], actor="ann") == [vm.id]
    assert row_of(ctx, vm.id).state is VmState.STOPPING


def test_a_drained_vm_gets_no_more_jobs(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """From the order on nothing matches it, and its worker is told."""
    vm = launched(ctx, cloud)
    submit(ctx)
    fleet.drain(ctx, [vm.id], actor="ann")
    claim = work.Claim(8, 8, 16000, 0, empty=True, seconds_left=1e6)
    assert work.match(ctx, vm.id, claim, ["any"]) is None
    assert [order.verb for order in presence.heartbeat(ctx, vm.id, {"slots": []}).orders] == ["drain"]


@pytest.mark.parametrize(("seconds", "until"), [(None, 86400.0), (0.0, 0.0), (90.0, 90.0)])
def test_a_drain_has_the_deadline_it_was_given(
    ctx: TestContext, cloud: ScriptedCloud, seconds: float | None, until: float
) -> None:
    """Order and row agree on it: the pool's, or what was said, zero included."""
    vm = launched(ctx, cloud)
    fleet.drain(ctx, [vm.id], actor="ann", seconds=seconds)
    (order,) = presence.heartbeat(ctx, vm.id, {"slots": []}).orders
    assert (row_of(ctx, vm.id).deadline, order.deadline) == (ctx.clock.now() + until,) * 2


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_no_drain_ends_before_it_begins(ctx: TestContext, cloud: ScriptedCloud, seconds: float) -> None:
    """A time that cannot be is refused, nothing changes."""
    vm = launched(ctx, cloud)
    with pytest.raises(BadInput, match="0 or more"):
        fleet.drain(ctx, [vm.id], actor="ann", seconds=seconds)
    assert row_of(ctx, vm.id).state is VmState.RUNNING


def test_a_halt_by_name_ends_a_busy_vm(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Who names a VM gets it stopped, whatever runs on it."""
    vm = launched(ctx, cloud)
    give_job(ctx, vm)
    assert fleet.halt(ctx, [vm.id], actor="ann") == [vm.id]
    cycle(ctx)
    assert cloud.terminations == [(vm.instance_id,)]


def test_wrong_names_change_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Unknown and Halted VMs are named; those beside them stay as they are."""
    vm, halted = launched(ctx, cloud), add_vm(ctx, state=VmState.HALTED)
    with pytest.raises(UnknownThing, match="vm-none"):
        fleet.drain(ctx, [vm.id, "vm-none"], actor="ann")
    with pytest.raises(BadInput, match=halted.id):
        fleet.halt(ctx, [vm.id, halted.id], actor="ann")
    with pytest.raises(BadInput, match="no VM was named"):
        fleet.halt(ctx, [], actor="ann")
    assert row_of(ctx, vm.id).state is VmState.RUNNING
