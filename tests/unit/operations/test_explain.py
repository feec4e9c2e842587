"""Why: every thing has words."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import Refuse, ScriptedCloud
from tests.support.acting import cycle, give_job, launched
from tests.support.context import TestContext, make_inventory, make_pool, submit, vms_of
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.clouds.api import QuotaExceeded
from vmdirac_py.operations import jobs
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


@pytest.mark.parametrize("subject", ["vm-none", "4711", "queue:none", "no-pool", "9" * 40, "²", ""])
def test_unknown_things_are_named(ctx: TestContext, subject: str) -> None:
    """Whatever is asked for, the answer is an error that says what can be asked for."""
    with pytest.raises(UnknownThing, match="name a VM"):
        why(ctx, subject)
