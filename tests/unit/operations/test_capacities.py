"""The fleet as the planner sees it."""

from __future__ import annotations

import json

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import launched, look
from tests.support.context import TestContext, add_vm, submit
from vmdirac_py.clouds.api import Throttled
from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Run, Vm, VmState
from vmdirac_py.operations import planning, presence, work
from vmdirac_py.worker import wire

CLAIM = work.Claim(8, 8, 16000, 0, empty=True, seconds_left=1e6)


def seen(ctx: TestContext) -> Capacity:
    """Return the one VM of the fleet."""
    (only,) = planning.snapshot(ctx).fleet
    return only


def beat(ctx: TestContext, vm: Vm, idle_seconds: float) -> None:
    """Let a VM say for how long nothing has run on it."""
    with ctx.ledger.write() as tx:
        tx.observations.beat([Heartbeat(vm.id, ctx.clock.now(), {"slots": [], "idle_seconds": idle_seconds})])


def run_a_job(ctx: TestContext, vm: Vm, seconds: float) -> None:
    """Let a VM run a job from its match to its end."""
    submit(ctx)
    found = work.match(ctx, vm.id, CLAIM, ["any"])
    assert found is not None
    for state, lasts in (("Running", seconds), ("Done", 0.0)):
        work.report(ctx, vm.id, found.job.id, 1, work.Told(state=state, minor="", exit_code=None, output=""))
        ctx.clock.advance(lasts)


def test_what_runs_is_known(ctx: TestContext) -> None:
    """A VM with a payload shows whose it is, since when and on how many cores, what is left, and is not idle."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    beat(ctx, vm, 30.0)
    submit(ctx, cores=2)
    work.match(ctx, vm.id, CLAIM, ["any"])
    run = Run("jane", "astro_user", ctx.clock.now(), 2, 3600)
    assert seen(ctx).runs == (run,)
    assert (seen(ctx).free, seen(ctx).busy_slots, seen(ctx).idle_since) == (Resources(6, 16000, 0, 100), 1, 0.0)


def test_a_vm_says_since_when_it_is_idle(ctx: TestContext) -> None:
    """Also one that never ran a payload; before it said so, nobody knows."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    assert seen(ctx).idle_since == 0.0
    beat(ctx, vm, 30.0)
    since = ctx.clock.now() - 30.0
    ctx.clock.advance(20)
    assert seen(ctx).idle_since == since


def test_a_job_that_ended_later_than_that_counts(ctx: TestContext) -> None:
    """A payload that came and went between two heartbeats ends the idle time told before."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    beat(ctx, vm, 30.0)
    run_a_job(ctx, vm, 5.0)
    ended = ctx.clock.now()
    ctx.clock.advance(7)
    assert seen(ctx).idle_since == ended


def test_an_old_heartbeat_tells_no_idle_time(ctx: TestContext) -> None:
    """What a VM said before it would be Stalled is forgotten."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    beat(ctx, vm, 30.0)
    ctx.clock.advance(ctx.inventory().pools[vm.pool].stalled_after + 1)
    assert seen(ctx).idle_since == 0.0


def test_what_a_worker_says_reaches_the_planner(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """As it says it, through heartbeat and flush, with the listing's time: all by which VMs are retired."""
    vm = launched(ctx, cloud, state=VmState.CONTEXTUALISING)
    for load, matches in ((0.7, 1), (0.01, 2), (0.0, 3)):
        ctx.clock.advance(30)
        say(ctx, vm, load=load, idle_seconds=20.0, failed_matches=matches)
    look(ctx)
    world, at = planning.snapshot(ctx), ctx.clock.now()
    (one,) = world.fleet
    assert (one.cpu_load, one.load_since, one.idle_since, one.failed_matches) == (0.0, at - 30, at - 20, 3)
    assert (one.vm.last_seen, one.runs, one.busy_slots) == (at, (), 0)
    assert [(view.name, view.listed_at) for view in world.endpoints] == [("north", at)]


def test_a_failed_listing_does_not_count(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The planner is told when its endpoint was listed completely last."""
    listed = ctx.clock.now()
    look(ctx)
    ctx.clock.advance(500)
    cloud.unreachable = Throttled
    look(ctx)
    assert [view.listed_at for view in planning.snapshot(ctx).endpoints] == [listed]


def say(ctx: TestContext, vm: Vm, **said: float) -> None:
    """Let a worker beat, and the manager write it down."""
    about = {"at": 0.0, "state": "running", "uptime": 9.0, "cores": 8, "free_cores": 8, "ram_mb": 1, "version": "1"}
    beat = json.loads(json.dumps(wire.Beat(disk_free_mb=1, slots=[], **about, **said)._asdict()))
    presence.heartbeat(ctx, vm.id, beat)
    presence.flush(ctx, [Heartbeat(vm.id, ctx.clock.now(), beat)])
