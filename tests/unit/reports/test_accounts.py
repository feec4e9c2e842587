"""What was paid and used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.cloud import Refuse, ScriptedCloud
from tests.support.acting import give_job, launched, look
from tests.support.context import TestContext, make_context, submit, vms_of
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import launches
from vmdirac_py.reports.accounts import Account, account
from vmdirac_py.reports.status import status


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[TestContext]:
    """Return an installation with a cloud."""
    context = make_context(tmp_path)
    context.endpoints = {"north": ScriptedCloud(context.clock)}
    yield context
    context.ledger.close()


@pytest.fixture
def cloud(ctx: TestContext) -> ScriptedCloud:
    """Return its cloud."""
    found = ctx.endpoints["north"]
    assert isinstance(found, ScriptedCloud)
    return found


def bill(ctx: TestContext) -> Account:
    """Return the account of everything up to now."""
    with ctx.ledger.read() as tx:
        return account(tx, vms_of(ctx), tx.jobs.find(), at=ctx.clock.now())


def test_paid_until_gone_and_used_until_done(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """An hour of 8 cores is paid, half an hour of 4 is used, and nothing after the end."""
    vm = launched(ctx, cloud)
    job = give_job(ctx, vm, cores=4)
    ctx.clock.advance(1800)
    with ctx.ledger.write() as tx:
        tx.jobs.move(job, (JobState.RUNNING,), JobState.DONE, at=ctx.clock.now())
    ctx.clock.advance(1800)
    cloud.kill(vm.instance_id)
    look(ctx)
    ctx.clock.advance(9999)
    assert bill(ctx) == Account(vms=1, paid=8.0, used=2.0)


def test_what_runs_is_counted_until_now(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """VMs and jobs that have not ended are paid and used up to this moment."""
    give_job(ctx, launched(ctx, cloud), cores=8)
    ctx.clock.advance(3600)
    assert bill(ctx) == Account(vms=1, paid=8.0, used=8.0)


def test_a_refused_vm_costs_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What the cloud did not give is not paid."""
    cloud.answers = [Refuse()]
    launches.launch(ctx, launches.intend(ctx, "astro-8", 1, actor="ann"), actor="ann")
    ctx.clock.advance(3600)
    assert bill(ctx) == Account(vms=0, paid=0.0, used=0.0)


def test_the_status_adds_up(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """VMs and jobs by VO and state, waiting queues, and when each endpoint was listed."""
    launched(ctx, cloud)
    launched(ctx, cloud, pool="bio-8")
    give_job(ctx, launched(ctx, cloud))
    submit(ctx, vo="bio")
    look(ctx)
    with ctx.ledger.read() as tx:
        now = status(tx, at=ctx.clock.now())
    assert now.vms == {("astro", VmState.RUNNING): 2, ("bio", VmState.RUNNING): 1}
    assert now.jobs == {("astro", JobState.RUNNING): 1, ("bio", JobState.WAITING): 1}
    assert [queue.vo for queue in now.queues] == ["bio"]
    assert [(listing.endpoint, listing.count) for listing in now.listings] == [("north", 3)]
