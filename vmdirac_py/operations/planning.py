"""Planning: read the world, take the pure step, write what was decided. Acting is somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vmdirac_py.base.errors import Conflict, UnknownThing
from vmdirac_py.base.ids import new_id
from vmdirac_py.base.settings import Settings
from vmdirac_py.ledger.api import Lease, Transaction
from vmdirac_py.model.batch import Batch
from vmdirac_py.model.plan import Action, Placement, Plan, Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.situation import Situation
from vmdirac_py.planner.step import step

from . import fleet, launches, leases, memory, orders, retirements, strangers
from .api import Context
from .capacities import capacities
from .listings import endpoint_views


@dataclass(frozen=True, slots=True)
class Planned:
    """A committed plan and the batches written for it, by endpoint; `plan_id` is empty when nothing changed."""

    plan_id: str
    plan: Plan
    launches: Mapping[str, Sequence[str]]
    retires: Mapping[str, Sequence[str]]
    drained: tuple[str, ...]

    @property
    def acted(self) -> bool:
        """Tell whether this plan wrote anything to be done."""
        return bool(self.launches or self.retires or self.drained)


def snapshot(ctx: Context) -> Snapshot:
    """Return everything a plan may know, read in one transaction."""
    return _read(ctx)[0]


def situation(ctx: Context) -> Situation:
    """Return everything the plan of this moment depends on."""
    return Situation(*_read(ctx))


def preview(ctx: Context) -> Plan:
    """Return the plan that would be made now; nothing is written."""
    return step(*_read(ctx))[0]


def kept(ctx: Context, plan_id: str = "") -> Plan:
    """Return a plan that was kept because it acted, by id, or the last one.

    Raises:
        UnknownThing: there is no such plan.
    """
    with ctx.ledger.read() as tx:
        latest = None if plan_id else tx.plans.latest()
        found = tx.plans.get(plan_id) if plan_id else latest and latest[1]
    if not found:
        raise UnknownThing(
            "no such plan was kept" if plan_id else "no plan was kept yet",
            where=plan_id,
            mend="see `vmdirac batch list --all --json`",
        )
    return found


def commit(ctx: Context, *, actor: str, lease: Lease | None = None) -> Planned:
    """Plan and write: plan, launch batches, drains, retire batches for Stopping VMs, soft ends, reasons, memory.

    Args:
        ctx: the installation.
        actor: who asks for it.
        lease: the `plan` lease of a long-running planner; without one it is taken and given back.

    Raises:
        LeaseHeld: somebody else plans.
        Conflict: the inventory or the set of batches changed meanwhile; nothing was written, plan again.
    """
    if lease is not None:
        return _commit(ctx, lease, actor)
    with leases.held(ctx, leases.PLAN, actor=actor) as own:
        return _commit(ctx, own, actor)


def _read(ctx: Context) -> tuple[Snapshot, Memory]:
    """Read fleet, then demand: a job matched in between is then seen as free room, never as one more VM to launch."""
    inventory, at = ctx.inventory(), ctx.clock.now()
    with ctx.ledger.read() as tx:
        remembered = memory.load(tx)
        base_seq, vms = tx.events.last(), capacities(tx, inventory, at=at)
        views, outcomes = endpoint_views(tx, inventory), tuple(tx.batches.outcomes(remembered.outcome_seq))
        finished = tuple(tx.jobs.finished(remembered.finished_seq))
        wishes = orders.standing(tx)
    demand = ctx.queue.demand(tuple(inventory.pools.values()), at=at)
    return Snapshot(at, base_seq, inventory, demand, vms, views, outcomes, finished, wishes), remembered


def _commit(ctx: Context, lease: Lease, actor: str) -> Planned:
    world, before = _read(ctx)
    plan, after = step(world, before)
    with ctx.ledger.write() as tx:
        tx.leases.check(lease)
        _check_base(tx, world)
        plan_id = new_id("p") if plan.acts else ""
        launched = _write_launches(tx, world, plan, plan_id, actor)
        drained = _write_drains(tx, world, plan, actor)
        retired = _write_retires(tx, world, ctx.settings, plan_id, actor)
        tx.vms.soften(plan.ends)
        _remember(tx, world, plan, plan_id, actor)
        if after != before:
            memory.save(tx, after)
    return Planned(plan_id, plan, launched, retired, drained)


def _check_base(tx: Transaction, world: Snapshot) -> None:
    active = tx.revisions.active()
    if active is None or active.fingerprint != world.inventory.fingerprint:
        raise Conflict("the inventory changed while planning", mend="plan again")
    if tx.events.after(world.base_seq, topics=("batch.written",), limit=1):
        raise Conflict("somebody launched or retired VMs while planning", mend="plan again")


def _write_launches(tx: Transaction, world: Snapshot, plan: Plan, plan_id: str, actor: str) -> dict[str, list[str]]:
    written: dict[str, list[str]] = defaultdict(list)
    for decision in plan.decisions:
        if decision.action is Action.LAUNCH:
            pool = world.inventory.pools[decision.pool]
            endpoint = world.inventory.endpoints[decision.endpoint]
            batch_id = launches.write(tx, pool, endpoint, decision, plan=plan_id, actor=actor, at=world.at)
            written[endpoint.name].append(batch_id)
    return dict(written)


def _write_drains(tx: Transaction, world: Snapshot, plan: Plan, actor: str) -> tuple[str, ...]:
    drained: list[str] = []
    for decision in plan.decisions:
        if decision.action is Action.DRAIN:
            vms = tx.vms.get_many(decision.vms)
            drained += fleet.drain_in(tx, world.inventory, vms, reason=decision.reason, actor=actor, at=world.at)
    return tuple(drained)


def _write_retires(
    tx: Transaction, world: Snapshot, settings: Settings, plan_id: str, actor: str
) -> dict[str, list[str]]:
    """Write retire batches for VMs that are Stopping and not being terminated; a capped number an endpoint."""
    by_endpoint: dict[str, list[Vm]] = defaultdict(list)
    batches: dict[str, Batch | None] = {}
    for vm in tx.vms.in_states((VmState.STOPPING,)):
        if vm.retire_batch not in batches:
            batches[vm.retire_batch] = tx.batches.get(vm.retire_batch) if vm.retire_batch else None
        reachable = vm.instance_id and vm.endpoint in world.inventory.endpoints
        due = retirements.due_at(tx, vm, settings) <= world.at and retirements.unasked(vm, batches[vm.retire_batch])
        if reachable and due and not strangers.spared(tx, vm):
            by_endpoint[vm.endpoint].append(vm)
    return {
        endpoint: retirements.write(tx, vms[: settings.max_terminations], plan=plan_id, actor=actor, at=world.at)
        for endpoint, vms in sorted(by_endpoint.items())
    }


def _remember(tx: Transaction, world: Snapshot, plan: Plan, plan_id: str, actor: str) -> None:
    if plan_id:
        tx.plans.add(plan_id, plan, base_seq=world.base_seq, revision=world.inventory.fingerprint)
        tx.events.append("plan.made", subject=plan_id, actor=actor, data={"decisions": len(plan.decisions)})
    tx.reasons.record(_reasons(plan), at=world.at, kinds=("queue", "pool"))


def _reasons(plan: Plan) -> dict[str, list[Reason]]:
    current = {f"queue:{placed.queue}": [*_placed(placed), *placed.reasons] for placed in plan.placements}
    return current | {f"pool:{note.pool}": list(note.reasons) for note in plan.pools}


def _placed(placed: Placement) -> Iterator[Reason]:
    """Say what jobs of a queue wait for, without numbers: those change all the time, and only changes are written."""
    for phase, jobs in (("running", placed.on_running), ("booting", placed.on_booting), ("new", placed.on_new)):
        if jobs:
            yield Reason.of(f"placed.{phase}")
