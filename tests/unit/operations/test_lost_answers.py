"""Batches in doubt: what listings make of them, and instances that come late."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import Lose, ScriptedCloud
from tests.support.acting import cycle, look, pass_time
from tests.support.context import TestContext, batch_of, make_inventory, make_pool, submit_many, vms_of
from vmdirac_py.clouds.api import Unavailable
from vmdirac_py.model.batch import BatchState, ErrorClass
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import aging, fleet, launches

WINDOW = 120.0  # client timeout and listing lag of the endpoint


@pytest.fixture
def doubtful(ctx: TestContext, cloud: ScriptedCloud) -> str:
    """Return a batch of two whose answer was lost, though the cloud acted."""
    cloud.answers = [Lose()]
    batch = launches.intend(ctx, "astro-8", 2, actor="ann")
    launches.launch(ctx, batch, actor="ann")
    return batch


def test_a_lost_answer_leaves_doubt(ctx: TestContext, doubtful: str) -> None:
    """The batch is Unknown for client timeout and listing lag, and its VMs stay New."""
    batch = batch_of(ctx, doubtful)
    assert (batch.state, batch.deadline) == (BatchState.UNKNOWN, ctx.clock.now() + WINDOW)
    assert [vm.state for vm in vms_of(ctx)] == [VmState.NEW] * 2


def test_a_listing_binds_what_came(ctx: TestContext, cloud: ScriptedCloud, doubtful: str) -> None:
    """Instances of a doubtful batch are joined to its VMs; after the window it closes with them."""
    look(ctx)
    assert {vm.instance_id for vm in vms_of(ctx, VmState.SUBMITTED)} == {one.id for one in cloud.alive()}
    pass_time(ctx, WINDOW + 60)
    batch = batch_of(ctx, doubtful)
    assert (batch.state, batch.launched, batch.refused) == (BatchState.CLOSED, 2, 0)


def test_doubt_ends_only_by_a_listing_begun_after_the_window(
    ctx: TestContext, cloud: ScriptedCloud, doubtful: str
) -> None:
    """Time alone settles nothing, nor does a listing from within the window."""
    for one in cloud.alive():
        cloud.forget(one.id)
    look(ctx)
    ctx.clock.advance(WINDOW)
    aging.advance(ctx)
    assert batch_of(ctx, doubtful).state is BatchState.UNKNOWN
    look(ctx)
    aging.advance(ctx)
    assert (batch_of(ctx, doubtful).state, batch_of(ctx, doubtful).error_class) == (BatchState.CLOSED, ErrorClass.LOST)
    assert [vm.state for vm in vms_of(ctx)] == [VmState.FAILED] * 2


def test_an_unreachable_endpoint_settles_nothing(ctx: TestContext, cloud: ScriptedCloud, doubtful: str) -> None:
    """While no listing succeeds, a doubtful batch stays doubtful and its VMs New, however long."""
    cloud.unreachable = Unavailable
    pass_time(ctx, 3600)
    assert batch_of(ctx, doubtful).state is BatchState.UNKNOWN
    assert [vm.state for vm in vms_of(ctx)] == [VmState.NEW] * 2


def test_a_late_arrival_is_adopted(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """An instance that shows up after its batch was closed as lost becomes a VM while its token is good."""
    cloud.answers = [Lose(late=600)]
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    launches.launch(ctx, batch, actor="ann")
    pass_time(ctx, 300)
    assert [vm.state for vm in vms_of(ctx)] == [VmState.HALTED]
    ctx.clock.advance(300)
    look(ctx)
    (adopted,) = vms_of(ctx, VmState.SUBMITTED)
    assert (adopted.instance_id, adopted.batch, adopted.vo) == (cloud.alive()[0].id, batch, "astro")


def test_a_late_arrival_of_a_departed_pool_is_adopted_too(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """An instance whose pool left the inventory is not forgotten: it has a row, with its own VO and size."""
    cloud.answers = [Lose(late=600)]
    launches.launch(ctx, launches.intend(ctx, "astro-8", 1, actor="ann"), actor="ann")
    pass_time(ctx, 300)
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("bio-8", "bio")))
    ctx.clock.advance(300)
    look(ctx)
    (adopted,) = vms_of(ctx, VmState.SUBMITTED)
    assert (adopted.vo, adopted.resources.cores) == ("astro", 8)
    pass_time(ctx, 3600)
    assert not cloud.alive()


def test_a_late_arrival_after_the_token_is_swept(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """One that comes too late to enrol is terminated in the end."""
    cloud.answers = [Lose(late=4000)]
    launches.launch(ctx, launches.intend(ctx, "astro-8", 1, actor="ann"), actor="ann")
    pass_time(ctx, 4000)
    assert len(cloud.alive()) == 1
    pass_time(ctx, 900)
    assert not cloud.alive()


def test_a_vm_stopped_while_in_doubt_is_ended_when_it_shows_up(
    ctx: TestContext, cloud: ScriptedCloud, doubtful: str
) -> None:
    """Drained before its instance was known, it is terminated as soon as it is, and never takes jobs."""
    fleet.drain(ctx, [vm.id for vm in vms_of(ctx)], actor="ann")
    pass_time(ctx, 600)
    assert not cloud.alive()
    assert [vm.state for vm in vms_of(ctx)] == [VmState.HALTED] * 2
    assert cloud.calls() == {doubtful: 1}


def test_doubt_costs_one_call(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """One waiting job whose VM's answer is lost gets no second VM while the first may still come."""
    cloud.answers = [Lose(late=100)]
    submit_many(ctx, 1)
    for _ in range(10):
        cycle(ctx)
        ctx.clock.advance(10)
    look(ctx)
    assert (len(cloud.launches), len(cloud.alive())) == (1, 1)
