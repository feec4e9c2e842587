"""How a launch batch ends: its VMs without an instance fail, and its outcome is told once."""

from __future__ import annotations

from collections.abc import Collection

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import move_by
from vmdirac_py.model.batch import Batch, BatchState, ErrorClass
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

OPEN_BATCHES = (BatchState.WRITTEN, BatchState.CLAIMED, BatchState.UNKNOWN)


def wanting(tx: Transaction, batch_id: str) -> list[Vm]:
    """Return the VMs of a batch that wait for an instance."""
    return [vm for vm in tx.vms.of_batch(batch_id) if vm.state is VmState.NEW and not vm.instance_id]


def settle(
    tx: Transaction,
    inventory: Inventory,
    batch: Batch,
    to: BatchState,
    reason: Reason,
    *,
    was: Collection[BatchState] = OPEN_BATCHES,
    error_class: ErrorClass | None = None,
    error_text: str = "",
    actor: str,
    at: float,
) -> bool:
    """End a launch batch that is in `was`; VMs still without an instance become Failed for `reason`.

    False when it had ended before: then nothing is changed and its outcome is not told again.
    """
    vms = tx.vms.of_batch(batch.id)
    launched = sum(1 for vm in vms if vm.instance_id)
    counts = {"launched": launched, "refused": len(vms) - launched}
    if not tx.batches.settle(batch.id, was, to, at=at, error_class=error_class, error_text=error_text, **counts):
        return False
    failing = [move_by(inventory, vm, VmState.FAILED, reason, at=at) for vm in wanting(tx, batch.id)]
    tx.vms.move(failing, actor=actor, at=at)
    data = {"endpoint": batch.endpoint, **counts}
    tx.events.append("batch.answered", subject=batch.id, actor=actor, data=data)
    return True
