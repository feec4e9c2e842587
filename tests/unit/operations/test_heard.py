"""What the planner learns of a machine from its heartbeats."""

from __future__ import annotations

from typing import Any

from tests.support.context import TestContext, add_vm
from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.model.vm import Capacity, VmState
from vmdirac_py.operations import planning
from vmdirac_py.operations.presence import flush


def told(ctx: TestContext, vm: str, **data: Any) -> Capacity:
    """Flush a heartbeat, and return the VM as the planner sees it."""
    flush(ctx, [Heartbeat(vm, ctx.clock.now(), {"slots": [], **data})])
    (capacity,) = planning.snapshot(ctx).fleet
    return capacity


def test_load_and_failed_matches_reach_the_planner(ctx: TestContext) -> None:
    """As the last heartbeat told them."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    capacity = told(ctx, vm.id, load=0.01, failed_matches=7)
    assert (capacity.cpu_load, capacity.failed_matches) == (0.01, 7)


def test_a_quiet_machine_is_quiet_since_its_load_fell(ctx: TestContext) -> None:
    """Further quiet heartbeats change nothing; a busy one begins anew."""
    vm, start = add_vm(ctx, state=VmState.RUNNING), ctx.clock.now()
    found = []
    for load in (2.0, 0.01, 0.0, 0.02, 3.0):
        found.append(told(ctx, vm.id, load=load).load_since - start)
        ctx.clock.advance(60)
    assert found == [0.0, 60.0, 60.0, 60.0, 240.0]


def test_an_old_heartbeat_tells_nothing(ctx: TestContext) -> None:
    """What a VM said before it would be Stalled is not believed."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    told(ctx, vm.id, load=0.0, failed_matches=7)
    ctx.clock.advance(ctx.inventory().pools[vm.pool].stalled_after + 1)
    (capacity,) = planning.snapshot(ctx).fleet
    assert (capacity.cpu_load, capacity.failed_matches) == (None, 0)
