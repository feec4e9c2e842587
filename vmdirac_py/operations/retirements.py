"""Retire batches: ask a cloud to terminate VMs that are Stopping. A repeat is harmless: already gone is success."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.base.ids import new_id
from vmdirac_py.base.processes import own_name
from vmdirac_py.base.settings import Settings
from vmdirac_py.clouds.api import AnswerLost, CloudError
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import move_by
from vmdirac_py.model.batch import Batch, BatchKind, BatchState, ErrorClass
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .api import BatchReport, Context
from .busy import busy_slots
from .fleet import HALT, HALT_SECONDS, HALTING, known
from .launches import UNSENT_SECONDS, report

LEAVING = frozenset({"vm.left", "vm.taken", "vm.drained", "vm.unfit"})  # reasons of VMs that power themselves off


def due_at(tx: Transaction, vm: Vm, settings: Settings) -> float:
    """Return when (epoch) a VM that is Stopping should be terminated.

    One that powers itself off may be gone by itself meanwhile, and its neighbours leave with it: they wait a little,
    so that one run terminates them all, or none is needed. One told to halt gets a moment to say goodbye.
    """
    code = vm.reason.code if vm.reason else ""
    if code in LEAVING:
        return vm.state_since + settings.gather_seconds
    return vm.state_since + (HALT_SECONDS if code == HALTING and _awaits_goodbye(tx, vm) else 0.0)


def _awaits_goodbye(tx: Transaction, vm: Vm) -> bool:
    """Tell whether a VM that once spoke has not yet said that it obeys."""
    return vm.last_seen > 0 and any(command.verb == HALT for command in tx.commands.open(vm.id))


def unasked(vm: Vm, batch: Batch | None) -> bool:
    """Tell whether a VM that is Stopping must be terminated, or terminated again because its deadline passed."""
    if batch is None:
        return True
    return batch.state in {BatchState.ANSWERED, BatchState.CLOSED} and vm.state_since > batch.created_at


def under_way(tx: Transaction, vm: Vm) -> bool:
    """Tell whether the end of a VM is asked for already, and the cloud did not refuse it."""
    batch = tx.batches.get(vm.retire_batch) if vm.retire_batch else None
    refused = batch is not None and batch.state is BatchState.ANSWERED
    return not refused and not unasked(vm, batch)


def intend(ctx: Context, vm_ids: Collection[str], *, actor: str, force: bool = False) -> list[str]:
    """Write the intent to terminate these VMs, as a person does by hand; return the batch ids, one an endpoint.

    Raises:
        UnknownThing: no such VM.
        Conflict: a VM has running payloads and `force` was not given; nothing was changed.
        BadInput: a VM is Halted already, or no VM was named.
    """
    inventory, at = ctx.inventory(), ctx.clock.now()
    reason = Reason.of("retire.by_hand", actor=actor)
    with ctx.ledger.write() as tx:
        vms = _checked(tx, inventory, vm_ids, force=force, at=at)
        moves = [
            move_by(inventory, vm, VmState.STOPPING, reason, at=at) for vm in vms if vm.state is not VmState.STOPPING
        ]
        tx.vms.move(moves, actor=actor, at=at)
        return write(tx, vms, plan="", actor=actor, at=at)


def check(ctx: Context, vm_ids: Collection[str], *, force: bool = False) -> list[Vm]:
    """Return the VMs that such a retirement by hand ends; nothing is written. Raises what `intend` does."""
    with ctx.ledger.read() as tx:
        return _checked(tx, ctx.inventory(), vm_ids, force=force, at=ctx.clock.now())


def _checked(tx: Transaction, inventory: Inventory, vm_ids: Collection[str], *, force: bool, at: float) -> list[Vm]:
    vms = known(tx, vm_ids)
    halted = [vm.id for vm in vms if vm.state is VmState.HALTED]
    if halted:
        raise BadInput("already Halted", where=", ".join(halted))
    busy = [vm_id for vm_id, slots in busy_slots(tx, inventory, vms, at=at).items() if slots]
    if busy and not force:
        raise Conflict("payloads are running", where=", ".join(sorted(busy)), mend="drain first, or use force")
    return vms


def write(tx: Transaction, vms: Sequence[Vm], *, plan: str, actor: str, at: float) -> list[str]:
    """Write one retire batch an endpoint for VMs that are Stopping; return the batch ids."""
    by_endpoint = defaultdict(list)
    for vm in vms:
        by_endpoint[vm.endpoint].append(vm)
    return [_write_one(tx, endpoint, group, plan, actor, at) for endpoint, group in sorted(by_endpoint.items())]


def _write_one(tx: Transaction, endpoint: str, vms: Sequence[Vm], plan: str, actor: str, at: float) -> str:
    batch = Batch(
        id=new_id("r"),
        kind=BatchKind.RETIRE,
        endpoint=endpoint,
        pool="",
        vo="",
        wanted=len(vms),
        plan=plan,
        actor=actor,
        created_at=at,
        deadline=at + UNSENT_SECONDS,
        updated_at=at,
    )
    tx.batches.insert([batch])
    tx.vms.mark_retire([vm.id for vm in vms], batch.id)
    tx.events.append("batch.written", subject=batch.id, actor=actor, data={"endpoint": endpoint})
    return batch.id


def retire(ctx: Context, batch_id: str, *, actor: str) -> BatchReport:
    """Claim a retire batch, terminate its instances, commit the answer.

    The VMs stay Stopping: that they are gone is for the listing to say.

    Raises:
        UnknownThing: no such retire batch.
    """
    claimed = _claim(ctx, batch_id, actor)
    if claimed is None:
        return report(ctx, batch_id)
    batch, instance_ids = claimed
    try:
        if instance_ids:
            ctx.endpoint(batch.endpoint).terminate(instance_ids)
    except CloudError as error:
        state = BatchState.UNKNOWN if isinstance(error, AnswerLost) else BatchState.ANSWERED
        _settle(ctx, batch, state, launched=0, error_class=error.error_class, text=str(error))
    else:
        _settle(ctx, batch, BatchState.CLOSED, launched=len(instance_ids))
    return report(ctx, batch_id, sent=True)


def _claim(ctx: Context, batch_id: str, actor: str) -> tuple[Batch, list[str]] | None:
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        batch = tx.batches.get(batch_id)
        if batch is None or batch.kind is not BatchKind.RETIRE:
            raise UnknownThing("no such retire batch", where=batch_id)
        endpoint = ctx.inventory().endpoints.get(batch.endpoint)
        if endpoint is None:
            raise UnknownThing("its endpoint has left the inventory", where=f"batch {batch_id}")
        claimed = tx.batches.claim(
            batch_id,
            own_name(actor),
            token_hash="",
            token_deadline=0.0,
            deadline=at + endpoint.client_timeout + endpoint.listing_lag,
            at=at,
        )
        instances = [vm.instance_id for vm in tx.vms.to_retire(batch_id) if vm.instance_id]
    return (batch, instances) if claimed else None


def _settle(
    ctx: Context,
    batch: Batch,
    state: BatchState,
    *,
    launched: int,
    error_class: ErrorClass | None = None,
    text: str = "",
) -> None:
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        tx.batches.settle(
            batch.id,
            (BatchState.CLAIMED,),
            state,
            at=at,
            launched=launched,
            refused=batch.wanted - launched,
            error_class=error_class,
            error_text=text,
        )
        tx.events.append("retire.answered", subject=batch.id, data={"endpoint": batch.endpoint})
