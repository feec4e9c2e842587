"""Plans: what is written, under which guard, and how many VMs jobs get."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import act, cycle, launched, pass_time
from tests.support.context import (
    TestContext,
    batch_of,
    bring,
    make_inventory,
    make_pool,
    row_of,
    submit,
    submit_many,
    vms_of,
)
from vmdirac_py.base.errors import Conflict
from vmdirac_py.ledger.api import LeaseHeld
from vmdirac_py.model.batch import BatchState
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import Plan, Snapshot, SoftEnd
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import fleet, launches, leases, planning, presence, work
from vmdirac_py.operations import memory as memories
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step
from vmdirac_py.queues.embedded import EmbeddedQueue

CLAIM = work.Claim(8, 8, 16000, 0, empty=True, seconds_left=1e6)


class Meddling(EmbeddedQueue):
    """The queue, with something happening just before it tells its demand."""

    def __init__(self, ctx: TestContext, happens: object) -> None:
        super().__init__(ctx.ledger)
        self.happens = happens

    def demand(self, pools, *, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Let it happen, then tell."""
        self.happens()  # type: ignore[operator]
        return super().demand(pools, at=at)


def activate(ctx: TestContext, inventory: Inventory) -> None:
    """Make an inventory the active revision."""
    with ctx.ledger.write() as tx:
        tx.revisions.add(inventory)


def test_one_waiting_job_gives_one_vm(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Not one more each cycle while it boots."""
    submit(ctx)
    for _ in range(20):
        cycle(ctx)
        ctx.clock.advance(10)
    assert (len(cloud.launches), len(cloud.alive()), len(vms_of(ctx))) == (1, 1, 1)


def test_eighty_jobs_give_ten_vms(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Cores are counted, not jobs: 80 one-core jobs fill ten VMs of 8 cores."""
    submit_many(ctx, 80)
    for _ in range(5):
        cycle(ctx)
    assert len(cloud.alive()) == 10


@pytest.mark.usefixtures("cloud")
def test_each_vo_has_its_own_vms(ctx: TestContext) -> None:
    """A job of one VO is launched for on a pool of that VO alone."""
    submit(ctx, vo="bio")
    cycle(ctx)
    assert [(vm.vo, vm.pool) for vm in vms_of(ctx)] == [("bio", "bio-8")]


def test_a_job_matched_while_planning_gets_no_second_vm(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Demand is read after the fleet: what was matched in between is not counted twice."""
    vm = launched(ctx, cloud)
    submit(ctx, cores=8)
    ctx.queue = Meddling(ctx, lambda: work.match(ctx, vm.id, CLAIM, ["any"]))
    assert not planning.commit(ctx, actor="test").launches


def test_a_preview_writes_nothing(ctx: TestContext) -> None:
    """Looking at a plan is free."""
    submit(ctx)
    with ctx.ledger.read() as tx:
        before = tx.events.last()
    assert planning.preview(ctx).acts
    with ctx.ledger.read() as tx:
        assert (tx.events.last(), tx.plans.latest(), vms_of(ctx)) == (before, None, [])


def test_a_launch_by_hand_meanwhile_stops_the_plan(ctx: TestContext) -> None:
    """Two plans for the same jobs cannot both be written."""
    submit(ctx)
    ctx.queue = Meddling(ctx, lambda: launches.intend(ctx, "astro-8", 1, actor="ann"))
    with pytest.raises(Conflict, match="plan again"):
        planning.commit(ctx, actor="test")
    assert len(vms_of(ctx)) == 1


def test_a_new_inventory_meanwhile_stops_the_plan(ctx: TestContext) -> None:
    """What was decided by old rules is not written under new ones."""
    submit(ctx)
    ctx.queue = Meddling(ctx, lambda: activate(ctx, make_inventory()))
    with pytest.raises(Conflict, match="inventory changed"):
        planning.commit(ctx, actor="test")
    assert not vms_of(ctx)


def test_a_planner_that_lost_its_lease_writes_nothing(ctx: TestContext) -> None:
    """Paused for too long, it finds another one in its place."""
    lease = leases.take(ctx, leases.PLAN, actor="scheduler")
    with ctx.ledger.write() as tx:
        tx.leases.release(lease)
        tx.leases.take(leases.PLAN, "somebody else", 60)
    submit(ctx)
    with pytest.raises(LeaseHeld, match="somebody else"):
        planning.commit(ctx, actor="test", lease=lease)
    assert not vms_of(ctx)


def test_a_pool_keeps_its_minimum(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Without any job `min_vms` are launched, replaced when they die, and asked to stay."""
    activate(ctx, make_inventory(make_pool("astro-8", "astro", min_vms=2)))
    cycle(ctx)
    assert len(cloud.alive()) == 2
    vm = vms_of(ctx)[0]
    for state in (VmState.CONTEXTUALISING, VmState.RUNNING):
        vm = bring(ctx, vm, state)
    assert not presence.leave(ctx, vm.id, "idle")
    cloud.kill(vm.instance_id)
    cycle(ctx)
    cycle(ctx)
    assert len(cloud.alive()) == 2


def test_a_lowered_limit_drains(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """VMs over a new limit are drained and told so; only what moved is reported."""
    vms = [launched(ctx, cloud) for _ in range(3)]
    activate(ctx, make_inventory(make_pool("astro-8", "astro", max_vms=1)))
    planned = planning.commit(ctx, actor="test")
    assert len(planned.drained) == 2
    assert [row_of(ctx, vm.id).state for vm in vms].count(VmState.DRAINING) == 2
    assert not planning.commit(ctx, actor="test").drained


def test_a_vm_whose_pool_left_still_ends(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Removing a pool from the inventory leaves no VM behind that could not be stopped."""
    vm = launched(ctx, cloud)
    activate(ctx, make_inventory(make_pool("bio-8", "bio")))
    fleet.drain(ctx, [vm.id], actor="ann", seconds=60)
    pass_time(ctx, 600)
    assert row_of(ctx, vm.id).state is VmState.HALTED


def test_plans_that_act_are_kept(ctx: TestContext) -> None:
    """A plan can be looked at later, with the batches that came of it."""
    submit(ctx)
    planned = planning.commit(ctx, actor="test")
    with ctx.ledger.read() as tx:
        assert tx.plans.get(planned.plan_id) == planned.plan
        (batch,) = tx.batches.in_states((BatchState.WRITTEN,))
    assert (batch.plan, batch.actor) == (planned.plan_id, "test")
    assert planning.commit(ctx, actor="test").plan_id == ""


def test_what_a_launch_is_for_is_written(ctx: TestContext) -> None:
    """The batch keeps the shapes of its jobs, and its VMs when those are expected to end."""
    job = submit(ctx)
    plan = planning.commit(ctx, actor="test").plan
    (decision,) = plan.decisions
    (vm,) = vms_of(ctx)
    assert batch_of(ctx, vm.batch).shapes == decision.shapes == (job.spec.shape.fingerprint,)
    assert vm.soft_end == decision.soft_end > ctx.clock.now()


def test_a_pool_may_have_several_launches_in_one_plan(
    ctx: TestContext, cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a batch of its own, with its own soft end; together they are what was decided."""

    def in_two(world: Snapshot, memory: Memory) -> tuple[Plan, Memory]:
        plan, after = step(world, memory)
        (one,) = plan.decisions
        return replace(plan, decisions=(one, replace(one, count=2, shapes=("other",), soft_end=9e9))), after

    monkeypatch.setattr(planning, "step", in_two)
    submit(ctx)
    planned = planning.commit(ctx, actor="test")
    first, second = (batch_of(ctx, batch) for batch in planned.launches["north"])
    assert (first.wanted, second.wanted, second.shapes) == (1, 2, ("other",))
    act(ctx)
    with ctx.ledger.read() as tx:
        assert [vm.soft_end for vm in tx.vms.of_batch(second.id)] == [9e9, 9e9]
    assert (len(cloud.launches), len(cloud.alive())) == (2, 3)


def test_boots_are_learned(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """From the intent to the first sign of life of each VM."""
    for _ in range(3):
        vm = launched(ctx, cloud, state=VmState.CONTEXTUALISING)
        ctx.clock.advance(42)
        presence.heartbeat(ctx, vm.id, {"slots": []})
    planning.commit(ctx, actor="test")
    with ctx.ledger.read() as tx:
        assert memories.load(tx).boot_seconds(ctx.inventory().pools["astro-8"]) == 42.0


def test_soft_ends_of_a_plan_are_written(
    ctx: TestContext, cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that only sets soft ends changes the VMs, but is not kept and tells nobody."""
    vm = launched(ctx, cloud)

    def softening(world: Snapshot, memory: Memory) -> tuple[Plan, Memory]:
        plan, after = step(world, memory)
        return replace(plan, ends=(SoftEnd(vm.id, 5000.0),)), after

    monkeypatch.setattr(planning, "step", softening)
    planned = planning.commit(ctx, actor="test")
    assert (planned.acted, planned.plan_id, row_of(ctx, vm.id).soft_end) == (False, "", 5000.0)
    assert planning.snapshot(ctx).fleet[0].vm.soft_end == 5000.0


def test_a_payload_that_ended_is_learned_from_once(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The next plan sees how long it ran and what was asked for; those after it do not."""
    vm = launched(ctx, cloud)
    job = submit(ctx)
    work.match(ctx, vm.id, CLAIM, ["any"])
    work.report(ctx, vm.id, job.id, 1, work.Told(state="Running", minor="", exit_code=None, output=""))
    ctx.clock.advance(90)
    work.report(ctx, vm.id, job.id, 1, work.Told(state="Failed", minor="", exit_code=3, output=""))
    (learned,) = planning.snapshot(ctx).finished
    assert (learned.vo, learned.owner, learned.group) == ("astro", "jane", "astro_user")
    assert (learned.seconds, learned.cpu_seconds) == (90.0, 3600)
    planning.commit(ctx, actor="test")
    assert planning.snapshot(ctx).finished == ()


def test_a_payload_that_never_ran_teaches_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A job that failed before its start says nothing of how long such jobs run."""
    vm = launched(ctx, cloud)
    job = submit(ctx)
    work.match(ctx, vm.id, CLAIM, ["any"])
    work.report(ctx, vm.id, job.id, 1, work.Told(state="Failed", minor="no sandbox", exit_code=None, output=""))
    assert planning.snapshot(ctx).finished == ()
