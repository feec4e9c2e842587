"""Whether VMs find the work they were launched for: told by events, which the planner counts by pool and shape of jobs.

A VM is held against its pool only when nobody wished its end, and when some of those jobs waited while it ran: by then
it had asked for them. Jobs that were beyond its reach are no fault of the pool's. A VM launched by hand, or to keep a
minimum, was launched for no jobs in particular.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from vmdirac_py.ledger.api import UNMATCHED, WORKED, Transaction, Transition
from vmdirac_py.lifecycle.states import rules_for
from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.vm import Move, Vm, VmState
from vmdirac_py.planner.retire.no_match import IN_VAIN_SECONDS

from . import soft_ends
from .callers import actor_of

AT_WORK = frozenset({VmState.RUNNING, VmState.DRAINING, VmState.STALLED})
ENDED = frozenset({VmState.STOPPING, VmState.HALTED})
UNWISHED = frozenset(
    {
        "vm.resumed",
        "vm.left",
        "vm.drained",
        "heartbeat.lost",
        "life.over",
        "deadline.drain",
        "deadline.stalled",
        "observed.ended",
        "observed.absent",
        "retire.idle",
        "retire.no_cpu",
        "retire.no_match",
        "retire.end_of_life",
    }
)
"""Reasons by which a VM that ran moves on although no person, limit or other policy wished its end."""


def found(tx: Transaction, vm: Vm, *, at: float) -> None:
    """Note that a VM was given a payload; the first one shows that its pool serves what it was launched for."""
    if not tx.vms.worked(vm.id, at=at):
        return
    batch = tx.batches.get(vm.batch)
    if batch is not None and batch.shapes:
        tx.events.append(WORKED, subject=vm.id, actor=actor_of(vm.id), data={"shapes": batch.shapes})


def missed_by(
    tx: Transaction, inventory: Inventory, moves: Sequence[Move], moved: Collection[str], *, actor: str, at: float
) -> None:
    """Tell which of the VMs that these moves ended had run in vain."""
    really = set(moved)
    ended = [one.vm for one in moves if one.was in AT_WORK and one.to in ENDED and one.vm in really]
    missed(tx, inventory, ended, actor=actor, at=at)


def missed(tx: Transaction, inventory: Inventory, vm_ids: Collection[str], *, actor: str, at: float) -> None:
    """Tell which of these VMs, which ran and have just ended, had run in vain."""
    purposes, queues = tx.vms.unworked(vm_ids), cache(lambda vo: tx.jobs.queues(vo=vo))
    for vm in tx.vms.get_many(purposes):
        history = tx.vms.history(vm.id)
        if all(step.reason.code in UNWISHED for step in history if step.was in AT_WORK):
            since, pool = max(_ran_since(history), at - IN_VAIN_SECONDS), rules_for(vm, inventory).pool
            shapes = sorted(_waited(tx, vm, pool, queues(vm.vo), since, at).intersection(purposes[vm.id]))
            if shapes:
                tx.events.append(UNMATCHED, subject=vm.id, actor=actor, data={"shapes": shapes})


def _ran_since(history: Sequence[Transition]) -> float:
    return min((step.at for step in history if step.to is VmState.RUNNING), default=0.0)


def _waited(
    tx: Transaction, vm: Vm, pool: Pool, queues: Sequence[TaskQueue], since: float, at: float
) -> frozenset[str]:
    """Return the shapes of jobs that have waited since then, and that the empty VM would have taken."""
    lasts = soft_ends.lasts(tx, vm, pool, at=at)
    return frozenset(one.shape.fingerprint for one in queues if one.oldest <= since and lasts(one) is not None)
