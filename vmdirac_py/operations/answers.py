"""What a cloud answered to a launch batch, on its way into the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from vmdirac_py.clouds.api import CloudError, Instance, LaunchResult, Refusal
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import move_by
from vmdirac_py.model.batch import Batch, BatchState, ErrorClass
from vmdirac_py.model.inventory import Endpoint, Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .api import Context
from .settling import settle, wanting

SENT = (BatchState.CLAIMED, BatchState.UNKNOWN)
FOR_A_PERSON = frozenset({ErrorClass.AUTH, ErrorClass.BAD_REQUEST})
"""What no waiting mends: credentials, and what a pool names."""
SILENT_SHORTFALL = Refusal(0, ErrorClass.NO_CAPACITY, "the cloud gave fewer than asked for")


def take(ctx: Context, batch: Batch, result: LaunchResult, *, actor: str) -> None:
    """Commit an answer, also over an Unknown batch: instances are bound, VMs that got none fail."""
    inventory, at = ctx.inventory(), ctx.clock.now()
    with ctx.ledger.write() as tx:
        bind(tx, inventory, batch, result.launched, actor=actor, at=at)
        short = bool(result.refused or wanting(tx, batch.id))
        first = result.refused[0] if result.refused else SILENT_SHORTFALL
        settled = settle(
            tx,
            inventory,
            batch,
            BatchState.ANSWERED,
            Reason.of("launch.refused", error_class=str(first.error_class), endpoint=batch.endpoint),
            was=SENT,
            error_class=first.error_class if short else None,
            error_text=first.text if short else "",
            actor=actor,
            at=at,
        )
        if settled and short and first.error_class in FOR_A_PERSON:
            data = {"endpoint": batch.endpoint, "pool": batch.pool, "class": str(first.error_class)}
            tx.events.append("alarm.launch", subject=batch.id, actor=actor, data=data | {"error": first.text})


def take_refusal(ctx: Context, batch: Batch, error: CloudError, *, actor: str) -> None:
    """Commit that the cloud refused all of a batch."""
    refusal = Refusal(batch.wanted, error.error_class, str(error))
    take(ctx, batch, LaunchResult((), (refusal,)), actor=actor)


def take_doubt(ctx: Context, batch: Batch, endpoint: Endpoint, error: Exception) -> None:
    """Commit that the answer was lost: the listing will tell, once client timeout and listing lag are over."""
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        doubt(tx, batch, endpoint, was=BatchState.CLAIMED, error_text=str(error), at=at)


def doubt(
    tx: Transaction, batch: Batch, endpoint: Endpoint, *, was: BatchState, error_text: str = "", at: float
) -> None:
    """Let a batch be Unknown for client timeout and listing lag."""
    tx.batches.settle(
        batch.id,
        (was,),
        BatchState.UNKNOWN,
        at=at,
        error_class=ErrorClass.LOST,
        error_text=error_text,
        deadline=at + endpoint.client_timeout + endpoint.listing_lag,
    )
    tx.events.append("batch.unknown", subject=batch.id, data={"endpoint": batch.endpoint})


def bind(
    tx: Transaction, inventory: Inventory, batch: Batch, instances: Sequence[Instance], *, actor: str, at: float
) -> list[Instance]:
    """Join instances to VMs of their batch that have none yet; return those left over.

    A New VM becomes Submitted. One that was told to stop meanwhile stays Stopping, now with something to terminate.
    """
    vms = tx.vms.of_batch(batch.id)
    known = {vm.instance_id for vm in vms}
    free = {vm.id: vm for state in (VmState.NEW, VmState.STOPPING) for vm in vms if _lacks_one(vm, state)}
    left: list[Instance] = []
    for instance in instances:
        if instance.id in known:
            continue
        vm = free.pop(instance.mark.vm if instance.mark.vm in free else next(iter(free), ""), None)
        if vm is None:
            left.append(instance)
        else:
            _join(tx, inventory, vm, instance, actor=actor, at=at)
    return left


def _lacks_one(vm: Vm, state: VmState) -> bool:
    return vm.state is state and not vm.instance_id


def _join(tx: Transaction, inventory: Inventory, vm: Vm, instance: Instance, *, actor: str, at: float) -> None:
    tx.vms.bind(vm.id, instance.id, instance.address)
    if vm.state is VmState.NEW:
        reason = Reason.of("launch.accepted", endpoint=vm.endpoint)
        tx.vms.move([move_by(inventory, vm, VmState.SUBMITTED, reason, at=at)], actor=actor, at=at)
