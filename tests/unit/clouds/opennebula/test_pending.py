"""A VM that OpenNebula leaves PENDING, or cannot start: not for ever, and not until a deadline."""

from __future__ import annotations

import time
from pathlib import Path

from msgspec.structs import replace

from tests.support.acting import act, look
from tests.support.context import TestContext, make_context, make_inventory, vms_of
from tests.support.opennebula import OURS, POOL, FrontEnd
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import aging, launches, planning

BOOT_DEADLINE = 1800.0
BOOT_FAILURE = 36


def test_the_boot_deadline_ends_it(one: FrontEnd, tmp_path: Path) -> None:
    """A VM no host has room for stays Submitted until its boot deadline; then it has failed, and is terminated."""
    pool = replace(POOL, boot_deadline=BOOT_DEADLINE)
    ctx = make_context(tmp_path, inventory=make_inventory(pool), clock=ManualClock(time.time()))
    ctx.installation_id, ctx.endpoints = OURS, {"one": one.driver()}
    launches.launch(ctx, launches.intend(ctx, "pool-1", 1, actor="test"), actor="test")
    one.cloud.vms[0].user_template["SCHED_MESSAGE"] = "Cannot dispatch VM: No hosts enabled to run VMs"
    ctx.clock.advance(BOOT_DEADLINE - 1)
    look(ctx, "one")
    aging.advance(ctx)
    assert [vm.state for vm in vms_of(ctx)] == [VmState.SUBMITTED]
    ctx.clock.advance(2)
    aging.advance(ctx)
    assert [vm.state for vm in vms_of(ctx)] == [VmState.FAILED]
    _until_gone(ctx, one)


def test_a_boot_that_failed_is_no_boot_to_wait_for(one: FrontEnd, tmp_path: Path) -> None:
    """A VM its host could not start has failed as soon as it is listed so, and is terminated."""
    ctx = make_context(tmp_path, inventory=make_inventory(POOL), clock=ManualClock(time.time()))
    ctx.installation_id, ctx.endpoints = OURS, {"one": one.driver()}
    launches.launch(ctx, launches.intend(ctx, "pool-1", 1, actor="test"), actor="test")
    one.cloud.place(0, BOOT_FAILURE)
    look(ctx, "one")
    assert [vm.state for vm in vms_of(ctx)] == [VmState.FAILED]
    _until_gone(ctx, one)


def _until_gone(ctx: TestContext, one: FrontEnd) -> None:
    for _ in range(3):
        ctx.clock.advance(100)
        aging.advance(ctx)
        planning.commit(ctx, actor="test")
        act(ctx)
    assert one.driver().instances() == ()
    ctx.ledger.close()
