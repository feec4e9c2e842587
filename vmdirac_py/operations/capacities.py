"""The fleet as the planner sees it: what is free, what runs, and since when nothing does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vmdirac_py.ledger.api import Heartbeat, Transaction
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Run, Vm, VmState

from .busy import fresh, slots_of
from .heard import heard
from .listings import LIVE

OFFERING = frozenset({VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING, VmState.RUNNING})
NOTHING = (0, 0, 0, 0)


def capacities(tx: Transaction, inventory: Inventory, *, at: float) -> tuple[Capacity, ...]:
    """Return all VMs that live, oldest first, each with what is free on it and what runs there."""
    vms = tx.vms.in_states(LIVE)
    ids = [vm.id for vm in vms]
    used, beats, runs = tx.jobs.used_cores(ids), tx.observations.heartbeats(ids), tx.jobs.runs(ids)
    slots = {vm.id: slots_of(vm, inventory, used, beats, at=at) for vm in vms}
    idle = _idle_since(tx, inventory, [vm for vm in vms if not slots[vm.id]], beats, at=at)
    return tuple(
        heard(
            _capacity(vm, used.get(vm.id, NOTHING), slots[vm.id], runs.get(vm.id, ()), idle.get(vm.id, 0.0)),
            fresh(vm, inventory, beats, at=at),
        )
        for vm in vms
    )


def _capacity(vm: Vm, used: tuple[int, int, int, int], slots: int, runs: tuple[Run, ...], idle: float) -> Capacity:
    return Capacity(vm, free_of(vm, used, runs) if vm.state in OFFERING else Resources(), slots, runs, idle)


def free_of(vm: Vm, used: tuple[int, int, int, int], runs: Sequence[Run]) -> Resources:
    """Return what the ledger's payloads leave of a VM."""
    _, cores, ram_mb, gpus = used
    return vm.resources - Resources(cores, ram_mb, gpus, sum([run.disk_gb for run in runs]))


def _idle_since(
    tx: Transaction, inventory: Inventory, empty: list[Vm], beats: Mapping[str, Heartbeat], *, at: float
) -> dict[str, float]:
    """Return since when these VMs are idle: as they say themselves, or since a job ended after they said so."""
    ended = tx.jobs.last_ended([vm.id for vm in empty])
    told = {vm.id: _told(fresh(vm, inventory, beats, at=at)) for vm in empty}
    return {vm.id: max(told[vm.id], ended.get(vm.id, 0.0)) for vm in empty}


def _told(beat: Heartbeat | None) -> float:
    return beat.at - beat.data["idle_seconds"] if beat and "idle_seconds" in beat.data else 0.0
