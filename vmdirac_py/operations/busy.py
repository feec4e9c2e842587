"""How busy VMs are: whatever queue their payloads came from, none is taken for empty while it says it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vmdirac_py.ledger.api import Heartbeat, Transaction
from vmdirac_py.lifecycle.states import rules_for
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.vm import Vm

Used = Mapping[str, tuple[int, int, int, int]]


def busy_slots(tx: Transaction, inventory: Inventory, vms: Sequence[Vm], *, at: float) -> dict[str, int]:
    """Return the busy slots of each of these VMs: jobs in the ledger, or payloads in a fresh heartbeat if more."""
    ids = [vm.id for vm in vms]
    used, beats = tx.jobs.used_cores(ids), tx.observations.heartbeats(ids)
    return {vm.id: slots_of(vm, inventory, used, beats, at=at) for vm in vms}


def slots_of(vm: Vm, inventory: Inventory, used: Used, beats: Mapping[str, Heartbeat], *, at: float) -> int:
    """Return the busy slots of a VM; a heartbeat counts until its VM would be Stalled without another."""
    counted = used[vm.id][0] if vm.id in used else 0
    beat = beats.get(vm.id)
    if beat is None or at - beat.at > rules_for(vm, inventory).pool.stalled_after:
        return counted
    return max(counted, len(beat.data.get("slots", ())))
