"""What people (and plans) tell VMs: drain, halt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import BOOTING, move_by
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, Vm, VmState

from .api import Context
from .callers import DRAIN

DRAINABLE = frozenset({VmState.RUNNING, VmState.STALLED})
HALT, HALTING = "halt", "halt.by_hand"  # the order, and why a VM that got it is Stopping
HALT_SECONDS = 10.0  # what a worker gets to say goodbye before its instance is terminated anyway


def drain(ctx: Context, vm_ids: Collection[str], *, actor: str, seconds: float | None = None) -> list[str]:
    """Let VMs finish what runs and take no more; VMs still booting are stopped. Return the ids that changed.

    Raises:
        UnknownThing: no such VM; nothing was changed.
        BadInput: the time is below zero.
    """
    if seconds is not None and not seconds >= 0:
        raise BadInput(f"cannot drain in {seconds:g} seconds", where="seconds", mend="give 0 or more")
    with ctx.ledger.write() as tx:
        vms = known(tx, vm_ids)
        reason = Reason.of("drain.by_hand", actor=actor)
        return drain_in(tx, ctx.inventory(), vms, reason=reason, actor=actor, at=ctx.clock.now(), seconds=seconds)


def drain_in(
    tx: Transaction,
    inventory: Inventory,
    vms: Sequence[Vm],
    *,
    reason: Reason,
    actor: str,
    at: float,
    seconds: float | None = None,
) -> list[str]:
    """Drain within the caller's transaction, so that no match can slip in between; return the ids that changed."""
    booting = [vm for vm in vms if vm.state in BOOTING]
    working = [vm for vm in vms if vm.state in DRAINABLE]
    stops = [move_by(inventory, vm, VmState.STOPPING, reason, at=at) for vm in booting]
    drains = [move_by(inventory, vm, VmState.DRAINING, reason, at=at) for vm in working]
    if seconds is not None:
        drains = [replace(change, deadline=at + seconds) for change in drains]
    moved = tx.vms.move(stops + drains, actor=actor, at=at)
    tell_drains(tx, drains, moved, actor=actor, at=at)
    if moved:
        tx.events.append("vm.draining", actor=actor, data={"vms": moved[:100]})
    return moved


def tell_drains(tx: Transaction, moves: Iterable[Move], moved: Collection[str], *, actor: str, at: float) -> None:
    """Order what became Draining by these moves to drain, so that its worker knows too."""
    really = set(moved)
    deadlines = {
        change.vm: change.deadline for change in moves if change.to is VmState.DRAINING and change.vm in really
    }
    tx.commands.give(list(deadlines), DRAIN, at=at, deadline=deadlines, actor=actor)


def halt(ctx: Context, vm_ids: Collection[str], *, actor: str) -> list[str]:
    """Stop VMs now, whatever runs on them; their jobs are run again elsewhere. Return the ids that changed.

    One that is Stopping is asked for again, now by name.

    Raises:
        UnknownThing: no such VM; nothing was changed.
        BadInput: a VM is Halted already.
    """
    inventory, at = ctx.inventory(), ctx.clock.now()
    reason = Reason.of(HALTING, actor=actor)
    with ctx.ledger.write() as tx:
        vms = known(tx, vm_ids)
        if halted := [vm.id for vm in vms if vm.state is VmState.HALTED]:
            raise BadInput("already Halted", where=", ".join(halted))
        moves = [move_by(inventory, vm, VmState.STOPPING, reason, at=at) for vm in vms]
        moved = tx.vms.move(moves, actor=actor, at=at)
        tx.commands.give(moved, HALT, at=at, deadline=dict.fromkeys(moved, at + HALT_SECONDS), actor=actor)
        if moved:
            tx.events.append("vm.halting", actor=actor, data={"vms": moved[:100]})
    return moved


def known(tx: Transaction, vm_ids: Collection[str]) -> list[Vm]:
    """Return these VMs.

    Raises:
        BadInput: none was named.
        UnknownThing: some do not exist; it names them.
    """
    if not vm_ids:
        raise BadInput("no VM was named", where="VMs", mend="name one at least; see `vmdirac vm list`")
    vms = tx.vms.get_many(vm_ids)
    missing = set(vm_ids) - {vm.id for vm in vms}
    if missing:
        raise UnknownThing("no such VM", where=", ".join(sorted(missing)), mend="see `vmdirac vm list`")
    return vms
