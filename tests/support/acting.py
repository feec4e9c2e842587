"""What the daemon and its actors do, in one thread and without Ansible: the same operations in the same order."""

from __future__ import annotations

from tests.doubles.cloud import ScriptedCloud
from tests.support.context import WAY, TestContext, bring, submit
from vmdirac_py.model.batch import BatchKind, BatchState
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import aging, launches, listings, planning, retirements
from vmdirac_py.operations.planning import Planned


def act(ctx: TestContext) -> None:
    """Send every written batch."""
    with ctx.ledger.read() as tx:
        written = tx.batches.in_states((BatchState.WRITTEN,))
    for batch in written:
        send = launches.launch if batch.kind is BatchKind.LAUNCH else retirements.retire
        send(ctx, batch.id, actor="test")


def look(ctx: TestContext, endpoint: str = "north") -> None:
    """List an endpoint once."""
    listings.observe(ctx, endpoint)


def cycle(ctx: TestContext) -> Planned:
    """Age, plan, act and look, once."""
    aging.advance(ctx)
    planned = planning.commit(ctx, actor="test")
    act(ctx)
    look(ctx)
    return planned


def pass_time(ctx: TestContext, seconds: float, *, step: float = 60.0) -> None:
    """Let time pass with a cycle each `step` seconds."""
    until = ctx.clock.now() + seconds
    while ctx.clock.now() < until:
        ctx.clock.advance(step)
        cycle(ctx)


def launched(ctx: TestContext, cloud: ScriptedCloud, *, state: VmState = VmState.RUNNING, pool: str = "astro-8") -> Vm:
    """Return a VM in a state, with an instance the cloud really has."""
    batch = launches.intend(ctx, pool, 1, actor="test")
    launches.launch(ctx, batch, actor="test")
    with ctx.ledger.read() as tx:
        vm = tx.vms.of_batch(batch)[0]
    assert vm.instance_id in {instance.id for instance in cloud.alive()}
    for step in WAY[state][2:]:
        vm = bring(ctx, vm, step)
    return vm


def give_job(ctx: TestContext, vm: Vm, cores: int = 1) -> int:
    """Let a VM run a job of its VO."""
    job = submit(ctx, vo=vm.vo, cores=cores)
    with ctx.ledger.write() as tx:
        taken = tx.jobs.take(job.queue, vm.id, cores, at=ctx.clock.now())
        assert taken
        assert tx.jobs.move(taken.id, (JobState.MATCHED,), JobState.RUNNING, at=ctx.clock.now())
    return taken.id
