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
    """Return the busy slots of a VM: jobs in the ledger, or payloads in a fresh heartbeat if more."""
    counted = used[vm.id][0] if vm.id in used else 0
    beat = fresh(vm, inventory, beats, at=at)
    return counted if beat is None else max(counted, len(beat.data.get("slots", ())))


def fresh(vm: Vm, inventory: Inventory, beats: Mapping[str, Heartbeat], *, at: float) -> Heartbeat | None:
    """Return a VM's last heartbeat while it counts: until its VM would be Stalled without another."""
    beat = beats.get(vm.id)
    return None if beat is None or at - beat.at > rules_for(vm, inventory).pool.stalled_after else beat
