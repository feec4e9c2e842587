"""Listings: when a VM is gone, and what follows for its jobs."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import act, give_job, launched, look
from tests.support.context import TestContext, events, job_of, row_of, vms_of
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.clouds.api import AuthFailed, Unavailable
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.model.words import words
from vmdirac_py.operations import listings, planning


def test_a_terminal_instance_halts_its_vm(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The cloud's own word that it ended is enough."""
    vm = launched(ctx, cloud)
    cloud.kill(vm.instance_id)
    look(ctx)
    assert row_of(ctx, vm.id).state is VmState.HALTED


def test_absence_must_be_seen_twice(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """One listing without it may be the cloud's lag; two complete ones are not."""
    vm = launched(ctx, cloud)
    cloud.forget(vm.instance_id)
    ctx.clock.advance(100)
    look(ctx)
    assert row_of(ctx, vm.id).state is VmState.RUNNING
    look(ctx)
    assert row_of(ctx, vm.id).state is VmState.HALTED


def test_a_failed_listing_counts_for_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Between two absences an unreachable cloud adds none, and a reappearance starts anew."""
    vm = launched(ctx, cloud)
    instance = cloud.alive()[0]
    cloud.forget(vm.instance_id)
    ctx.clock.advance(100)
    look(ctx)
    cloud.unreachable = Unavailable
    for _ in range(5):
        look(ctx)
    cloud.unreachable = None
    cloud._instances[instance.id] = instance
    look(ctx)
    cloud.forget(vm.instance_id)
    look(ctx)
    assert row_of(ctx, vm.id).state is VmState.RUNNING


def test_an_instance_the_cloud_does_not_list_yet_is_not_gone(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Within the listing lag, absence of a fresh instance means nothing."""
    cloud.lag = 50
    vm = launched(ctx, cloud, state=VmState.SUBMITTED)
    for _ in range(4):
        ctx.clock.advance(10)
        look(ctx)
    assert row_of(ctx, vm.id).state is VmState.SUBMITTED


def test_jobs_of_a_gone_vm_wait_again(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A job is not lost with its VM: it waits for its next attempt."""
    vm = launched(ctx, cloud)
    job = give_job(ctx, vm)
    cloud.kill(vm.instance_id)
    look(ctx)
    assert (job_of(ctx, job).state, job_of(ctx, job).attempt, job_of(ctx, job).vm) == (JobState.WAITING, 2, "")


def test_the_last_attempt_fails(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A job whose VMs die `max_attempts` times is Failed and says so."""
    vm = launched(ctx, cloud)
    job = give_job(ctx, vm)
    for _ in range(ctx.settings.max_attempts):
        cloud.kill(vm.instance_id)
        look(ctx)
        vm = launched(ctx, cloud)
        with ctx.ledger.write() as tx:
            tx.jobs.take(job_of(ctx, job).queue, vm.id, 1, at=ctx.clock.now())
    assert job_of(ctx, job).state is JobState.FAILED
    assert "too often" in job_of(ctx, job).minor


def test_a_repeated_failure_is_told_once(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """An unreachable cloud raises one alarm, another error another one."""
    for error in (Unavailable, Unavailable, AuthFailed, AuthFailed):
        cloud.unreachable = error
        look(ctx)
    assert [event.data["class"] for event in events(ctx, "alarm.listing")] == ["unavailable", "auth"]


def test_foreign_use_is_remembered(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What others use of the tenant is told to the planner."""
    cloud.foreign, cloud.max_vms = 3, 10
    launched(ctx, cloud)
    look(ctx)
    (view,) = planning.snapshot(ctx).endpoints
    assert (view.foreign_vms, view.max_vms, view.listed_at) == (3, 10, ctx.clock.now())


def test_an_unknown_endpoint_is_named(ctx: TestContext) -> None:
    """A wrong name is bad input, not a crash."""
    with pytest.raises(UnknownThing, match="nowhere"):
        listings.observe(ctx, "nowhere")


def test_a_dead_instance_listed_for_long_is_not_bound_again(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Clouds list their dead for hours: a Halted VM keeps its instance, and no other gets it."""
    vm = launched(ctx, cloud)
    cloud.kill(vm.instance_id)
    for _ in range(3):
        look(ctx)
        ctx.clock.advance(300)
    assert [one.id for one in vms_of(ctx)] == [vm.id]


def test_an_announced_end_drains_a_vm(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A VM whose instance will be taken away is told to drain, once, and its job runs on as long as it can."""
    vm = launched(ctx, cloud)
    job = give_job(ctx, vm)
    cloud.announce(vm.instance_id, "spot interruption")
    look(ctx)
    look(ctx)
    drained = row_of(ctx, vm.id)
    with ctx.ledger.read() as tx:
        orders = tx.commands.of(vm.id)
    assert drained.state is VmState.DRAINING
    assert drained.reason
    assert words(drained.reason) == "the cloud will take its instance away: spot interruption"
    assert [(order.verb, order.deadline) for order in orders] == [("drain", drained.deadline)]
    assert job_of(ctx, job).state is JobState.RUNNING


def test_an_announced_end_spares_the_others(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Only the VM that is named goes; its jobs wait again when it is gone."""
    doomed, spared = launched(ctx, cloud), launched(ctx, cloud)
    job = give_job(ctx, doomed)
    cloud.announce(doomed.instance_id, "spot interruption")
    look(ctx)
    cloud.kill(doomed.instance_id)
    look(ctx)
    assert row_of(ctx, doomed.id).state is VmState.HALTED
    assert row_of(ctx, spared.id).state is VmState.RUNNING
    assert job_of(ctx, job).state is JobState.WAITING


def test_a_booting_vm_that_will_be_taken_away_is_ended(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What only boots is not waited for: it is Stopping, and terminated."""
    vm = launched(ctx, cloud, state=VmState.SUBMITTED)
    cloud.announce(vm.instance_id, "host maintenance")
    look(ctx)
    assert row_of(ctx, vm.id).state is VmState.STOPPING
    planning.commit(ctx, actor="test")
    act(ctx)
    assert cloud.terminations == [(vm.instance_id,)]
