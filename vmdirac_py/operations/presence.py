"""What a VM says of itself: that it lives, that it obeyed, that it wants to go.

Heartbeats are observations: buffered by the manager, last wins, flushed in one transaction. The moves they cause are
facts: committed before the reply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vmdirac_py.base.errors import BadInput, Conflict
from vmdirac_py.ledger.api import Command, Heartbeat, Transaction
from vmdirac_py.lifecycle.states import ALIVE, rules_for
from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.job import BUSY_JOB_STATES, Job, JobState
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.planner.minimums import stays

from . import purpose, stillbirth, worker_terms
from .api import Context
from .callers import DRAIN, LIVING, WAKING, actor_of, caller, step, wake
from .heard import dated
from .rescheduling import give_back, give_back_jobs

HALT = "halt"
VERBS = frozenset({DRAIN, HALT})
FOR_WANT_OF_WORK = frozenset({"idle", "no_cpu", "failed_matches", "billing_boundary"})
"""Reasons for which a VM that wants to go may be told to stay."""
UNFIT = "environment"
TAKEN = "taken_back"
LEAVINGS = FOR_WANT_OF_WORK | {TAKEN, "drained", "halted", "end_of_life", "soft_end", "error", UNFIT}
CLOSED = "draining"
"""The state of a VM that takes no more jobs, in its heartbeats."""
MAX_DETAIL = 500
UNHEARD_SECONDS = 120.0  # after so long a match that no heartbeat shows was never received


@dataclass(frozen=True, slots=True)
class HeartbeatAnswer:
    """What the VM shall do, the jobs it shall end unreported, and the rules it shall keep from now on (seconds)."""

    orders: tuple[Command, ...]
    kill: tuple[int, ...]
    heartbeat_seconds: float
    idle_seconds: float
    stop_policies: Mapping[str, Any]


def heartbeat(ctx: Context, vm_id: str, beat: Mapping[str, Any]) -> HeartbeatAnswer:
    """Answer a sign of life; the first one makes a VM Running, one after a silence brings it back.

    Only the sign that moves the VM is written here; the others reach the ledger by `flush`. A slot whose job is not
    this VM's any more (killed, or run elsewhere) shall be ended; a job the VM never heard of is given back, but not
    one whose reports are still on their way.

    Raises:
        UnknownThing: no such VM. VmGone: its life is over.
    """
    inventory = ctx.inventory()
    with ctx.ledger.read() as tx:
        vm = caller(tx, vm_id)
        orders = tx.commands.open(vm_id)
        assigned = tx.jobs.find(vm=vm_id, states=BUSY_JOB_STATES)
    if vm.state in WAKING:
        _wake(ctx, vm_id, beat)
    elif vm.state is VmState.RUNNING and beat["state"] == CLOSED:
        _close(ctx, vm_id)
    running = {int(slot["job"]) for slot in beat["slots"]}
    heard = running | set(beat.get("undelivered", ()))
    _recover_unheard(ctx, vm_id, [job for job in assigned if job.id not in heard])
    foreign = running - {job.id for job in assigned}
    pool = rules_for(vm, inventory).pool
    stops = worker_terms.stop_policies(pool)
    return HeartbeatAnswer(tuple(orders), tuple(sorted(foreign)), pool.heartbeat_seconds, pool.idle_seconds, stops)


def time(ctx: Context, _vm_id: str) -> float:
    """Return our time (epoch) to a VM that compares its clock; this is no sign of life."""
    return ctx.clock.now()


def flush(ctx: Context, beats: Sequence[Heartbeat]) -> None:
    """Write the newest signs of life, one a VM, in one transaction."""
    with ctx.ledger.write() as tx:
        before = tx.observations.heartbeats([beat.vm for beat in beats])
        tx.observations.beat([dated(beat, before.get(beat.vm)) for beat in beats])
        tx.vms.seen([beat.vm for beat in beats], at=max(beat.at for beat in beats))


def acknowledge(ctx: Context, vm_id: str, verb: str, *, empty: bool) -> None:
    """Note that a VM obeys; a drained and empty one moves to Stopping, for the scheduler to terminate it.

    While the ledger still counts jobs on it, their reports are on their way: then it stops when it leaves.

    Raises:
        BadInput: there is no such verb. Conflict: the VM was never told so.
        UnknownThing: no such VM. VmGone: its life is over.
    """
    if verb not in VERBS:
        raise BadInput(f"no such command: {verb[:40]}", where="verb", mend="one of " + ", ".join(sorted(VERBS)))
    at = ctx.clock.now()
    inventory = ctx.inventory()
    with ctx.ledger.write() as tx:
        vm = caller(tx, vm_id)
        if not any(command.verb == verb for command in tx.commands.of(vm_id)):
            raise Conflict(f"this VM was never told to {verb}", where=vm_id, mend="obey the orders of a heartbeat")
        tx.commands.acknowledge(vm_id, verb, at=at)
        done = empty and not tx.jobs.find(vm=vm_id, states=BUSY_JOB_STATES, limit=1)
        if verb == DRAIN and done and vm.state is VmState.DRAINING:
            reason, actor = Reason.of("vm.drained"), actor_of(vm_id)
            step(tx, inventory, vm, VmState.STOPPING, reason, topic="vm.drained", actor=actor, at=at)
            purpose.missed(tx, inventory, [vm_id], actor=actor, at=at)


def leave(ctx: Context, vm_id: str, reason: str, detail: str = "", code: int = 0) -> bool:
    """Tell whether the VM may power off; when it may, its jobs go back to the queue and it moves to Stopping.

    A VM without work stays while its pool would miss it (`planner.minimums.stays`). `code` is kept with the reason.
    One that finds itself unfit before it ever ran has Failed, and whenever it does, that counts against its pool
    (`stillbirth`).

    Raises:
        BadInput: there is no such reason.
        UnknownThing: no such VM. VmGone: its life is over.
    """
    if reason not in LEAVINGS:
        raise BadInput(f"no such reason: {reason[:40]}", where="reason", mend="one of " + ", ".join(sorted(LEAVINGS)))
    at = ctx.clock.now()
    inventory = ctx.inventory()
    with ctx.ledger.write() as tx:
        vm = caller(tx, vm_id)
        if reason in FOR_WANT_OF_WORK and _is_kept(tx, vm, rules_for(vm, inventory).pool, at):
            return False
        if vm.state in LIVING:
            _hand_back_jobs(ctx, tx, vm, f"its VM left: {reason}", at)
            what = "vm.taken" if reason == TAKEN else "vm.left"
            why = Reason.of(what, reason=reason, detail=detail[:MAX_DETAIL], hepix=code)
            (_fail if reason == UNFIT else _stop)(tx, inventory, vm, why, at)
    return True


def _stop(tx: Transaction, inventory: Inventory, vm: Vm, why: Reason, at: float) -> None:
    actor = actor_of(vm.id)
    step(tx, inventory, vm, VmState.STOPPING, why, topic="vm.left", actor=actor, at=at)
    if vm.state in purpose.AT_WORK:
        purpose.missed(tx, inventory, [vm.id], actor=actor, at=at)


def _fail(tx: Transaction, inventory: Inventory, vm: Vm, left: Reason, at: float) -> None:
    """End a VM that is unfit; one that ran before (its machine was started again) has no edge to Failed."""
    to = VmState.FAILED if vm.state in stillbirth.ON_THE_WAY else VmState.STOPPING
    why = Reason.of("vm.unfit", detail=left.as_dict["detail"])
    step(tx, inventory, vm, to, why, topic="vm.unfit", actor=actor_of(vm.id), at=at)
    stillbirth.unfit(tx, vm.id)


def _recover_unheard(ctx: Context, vm_id: str, silent: Sequence[Job]) -> None:
    """Give back jobs whose match answer was lost: matched long ago, and never seen in a slot."""
    at = ctx.clock.now()
    unheard = [job for job in silent if job.state is JobState.MATCHED and at - job.matched_at > UNHEARD_SECONDS]
    if unheard:
        with ctx.ledger.write() as tx:
            still = tx.jobs.find(ids=[job.id for job in unheard], vm=vm_id, states=(JobState.MATCHED,))
            minor, attempts = "its VM never heard of it", ctx.settings.max_attempts
            give_back_jobs(tx, still, minor=minor, max_attempts=attempts, actor=actor_of(vm_id), at=at)


def _wake(ctx: Context, vm_id: str, beat: Mapping[str, Any]) -> None:
    at = ctx.clock.now()
    inventory = ctx.inventory()
    with ctx.ledger.write() as tx:
        vm = caller(tx, vm_id)
        tx.observations.beat([Heartbeat(vm_id, at, beat)])
        wake(tx, inventory, vm, at=at)


def _close(ctx: Context, vm_id: str) -> None:
    """Count no more on a VM that takes no more jobs."""
    at, inventory = ctx.clock.now(), ctx.inventory()
    with ctx.ledger.write() as tx:
        vm = caller(tx, vm_id)
        if vm.state is VmState.RUNNING:
            reason, actor = Reason.of("vm.closed"), actor_of(vm_id)
            step(tx, inventory, vm, VmState.DRAINING, reason, topic="vm.closed", actor=actor, at=at)


def _is_kept(tx: Transaction, vm: Vm, pool: Pool, at: float) -> bool:
    living = [one.id for one in tx.vms.in_states(ALIVE, pool=vm.pool)]
    empty = len(living) - len(tx.jobs.used_cores(living))
    return vm.state in ALIVE and stays(pool, living=len(living), empty=empty, age=at - vm.created_at)


def _hand_back_jobs(ctx: Context, tx: Transaction, vm: Vm, minor: str, at: float) -> None:
    give_back(tx, vm.id, minor=minor, max_attempts=ctx.settings.max_attempts, actor=actor_of(vm.id), at=at)
