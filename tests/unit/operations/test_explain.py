"""Why: every thing has words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.doubles.cloud import Refuse, ScriptedCloud
from tests.support.acting import cycle, give_job, launched, pass_time
from tests.support.context import TestContext, bring, make_inventory, make_pool, submit, vms_of
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.clouds.api import QuotaExceeded
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import jobs, launches
from vmdirac_py.operations.explain import why


def told(ctx: TestContext, subject: str) -> str:
    """Return all that is told of a thing."""
    return "\n".join(line.text for line in why(ctx, subject))


@pytest.mark.usefixtures("cloud")
def test_why_a_job_waits(ctx: TestContext) -> None:
    """Before any plan, while its VM is asked for, while it boots, and when no VM can serve it."""
    job = submit(ctx)
    assert "no plan has seen it yet" in told(ctx, str(job.id))
    cycle(ctx)
    assert "new VMs are being asked for" in told(ctx, str(job.id))
    cycle(ctx)
    assert "VMs that are booting will take its jobs" in told(ctx, str(job.id))
    huge = submit(ctx, cores=64)
    cycle(ctx)
    assert "none of the VO's 1 pools can ever run these jobs" in told(ctx, str(huge.id))


def test_why_a_job_ended(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Its history, with the VM it ran on and who killed it."""
    vm = launched(ctx, cloud)
    job = give_job(ctx, vm)
    jobs.kill(ctx, [job], actor="ann")
    assert f"Running on {vm.id}" in told(ctx, str(job))
    assert "killed by ann" in told(ctx, str(job))


def test_why_a_vm_failed(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What asked for it and what the cloud said."""
    cloud.answers = [Refuse(QuotaExceeded)]
    submit(ctx)
    cycle(ctx)
    text = told(ctx, vms_of(ctx)[0].id)
    assert "1 waiting jobs" in text
    assert "refused it (quota)" in text


@pytest.mark.usefixtures("cloud")
def test_why_a_queue_and_a_pool(ctx: TestContext) -> None:
    """A limit that binds is told for both; a queue that is served is told as well."""
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro", max_vms=0), make_pool("bio-8", "bio")))
    limited, served = submit(ctx), submit(ctx, vo="bio")
    cycle(ctx)
    assert "at its limit of 0 VMs" in told(ctx, f"queue:{limited.queue}")
    assert "at its limit of 0 VMs" in told(ctx, "astro-8")
    assert "new VMs are being asked for" in told(ctx, served.queue)
    assert told(ctx, "pool:bio-8")


def test_a_vm_is_traced_to_plan_inventory_and_commit(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Who asked for it, by which plan from which commit, and what the cloud gave; the plan is named in JSON too."""
    with ctx.ledger.write() as tx:
        tx.revisions.add(replace(make_inventory(make_pool("astro-8", "astro")), commit="0123456789abcdef"))
    submit(ctx)
    plan = cycle(ctx).plan_id
    cycle(ctx)
    assert cloud.alive()
    vm = vms_of(ctx)[0]
    (born,) = [line for line in why(ctx, vm.id) if vm.batch in line.text]
    assert (born.plan, born.revision) == (plan, ctx.inventory().fingerprint)
    assert "1 launched" in born.text
    assert f"plan {plan}, inventory {ctx.inventory().fingerprint[:12]} of commit 0123456789ab" in born.text


@pytest.mark.usefixtures("cloud")
def test_a_vm_made_by_hand_has_no_plan(ctx: TestContext) -> None:
    """Who asked for it is told instead."""
    batch = launches.intend(ctx, "astro-8", 1, actor="unix:ann")
    (born,) = [line for line in why(ctx, vms_of(ctx)[0].id) if batch in line.text]
    assert born.text == f"unix:ann wrote launch batch {batch} of 1 VMs: it is Written"
    assert born.plan == ""


def test_a_drain_is_traced_to_its_plan(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The step to Draining names the plan that decided it; the others name none."""
    vm = launched(ctx, cloud)
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro", max_vms=0)))
    plan = cycle(ctx).plan_id
    drained = [line for line in why(ctx, vm.id) if line.text.startswith("Draining")]
    assert [line.plan for line in drained] == [plan]
    assert {line.plan for line in why(ctx, vm.id) if line.text.startswith("Running")} == {""}


def test_why_a_job_waited_is_told_when_it_is_over(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What held of its queue while it waited is there afterwards, and only that."""
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro", max_vms=0)))
    job = submit(ctx)
    cycle(ctx)
    ctx.clock.advance(60)
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro")))
    cycle(ctx)
    ctx.clock.advance(60)
    vm = launched(ctx, cloud)
    with ctx.ledger.write() as tx:
        assert tx.jobs.take(job.queue, vm.id, 1, at=ctx.clock.now())
    later = submit(ctx)
    ctx.clock.advance(60)
    cycle(ctx)
    waited = [line for line in why(ctx, str(job.id)) if line.until]
    assert "at its limit of 0 VMs" in waited[0].text
    assert max(line.until for line in waited) <= ctx.clock.now() - 60
    assert "at its limit" not in told(ctx, str(later.id))


@pytest.mark.usefixtures("cloud")
def test_a_pool_tells_of_any_time(ctx: TestContext) -> None:
    """Why it launched nothing between two times, and what it launched later, each at its time alone."""
    begun = ctx.clock.now()
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro", max_vms=0)))
    submit(ctx)
    pass_time(ctx, 300)
    opened = ctx.clock.now()
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro")))
    pass_time(ctx, 120)

    def texts(since: float, until: float) -> str:
        return "\n".join(line.text for line in why(ctx, "astro-8", since=since, until=until))

    assert "at its limit of 0 VMs" in texts(begun, opened)
    assert "launched" not in texts(begun, opened)
    assert "1 launched" in texts(opened + 60, ctx.clock.now())
    assert "at its limit" not in texts(opened + 61, ctx.clock.now())


def test_a_held_job_is_told_so(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A job that waits for company rather than get a VM of its own has that as its reason."""
    vm = launched(ctx, cloud)
    for _ in range(8):
        give_job(ctx, vm)
    job = submit(ctx)
    (placed,) = cycle(ctx).plan.placements
    assert placed.held == 1
    assert "held for cores to become free" in told(ctx, str(job.id))


def test_a_moment_shows_the_state_of_then(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The last thing that happened before a moment is what was so then; what came later is left out."""
    vm = launched(ctx, cloud)
    ctx.clock.advance(100)
    between = ctx.clock.now()
    ctx.clock.advance(100)
    bring(ctx, vm, VmState.STOPPING)
    (line,) = why(ctx, vm.id, since=between, until=between)
    assert line.text.startswith("Running")


def test_a_queue_no_plan_has_seen_is_known(ctx: TestContext) -> None:
    """It is told so, not that there is no such thing."""
    assert told(ctx, submit(ctx).queue) == "no plan has seen it yet"


def test_a_pool_that_left_is_still_explained(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What was asked for it stays in the ledger."""
    launched(ctx, cloud, pool="bio-8")
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro")))
    assert "1 launched" in told(ctx, "bio-8")


@pytest.mark.parametrize("subject", ["vm-none", "4711", "queue:none", "no-pool", "9" * 40, "²", ""])
def test_unknown_things_are_named(ctx: TestContext, subject: str) -> None:
    """Whatever is asked for, the answer is an error that says what can be asked for."""
    with pytest.raises(UnknownThing, match="name a VM"):
        why(ctx, subject)
