"""What passed deadlines and silence mean for a VM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, Vm, VmState

from .states import move

BEATING = frozenset({VmState.RUNNING, VmState.DRAINING})


@dataclass(frozen=True, slots=True)
class Alarm:
    """A person should look at this VM; nothing is done to it."""

    vm: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Way:
    """Where a passed deadline leads, with or without an instance, and whether that ends running payloads."""

    to: VmState
    code: str
    without_instance: VmState | None = None
    ends_payloads: bool = True


WAYS: Mapping[VmState, Way] = MappingProxyType(
    {
        VmState.NEW: Way(VmState.STOPPING, "deadline.create", without_instance=VmState.FAILED),
        VmState.SUBMITTED: Way(VmState.FAILED, "deadline.boot"),
        VmState.CONTEXTUALISING: Way(VmState.FAILED, "deadline.context"),
        VmState.RUNNING: Way(VmState.DRAINING, "life.over", ends_payloads=False),
        VmState.DRAINING: Way(VmState.STOPPING, "deadline.drain"),
        VmState.STALLED: Way(VmState.STOPPING, "deadline.stalled"),
        VmState.STOPPING: Way(VmState.STOPPING, "deadline.stop", ends_payloads=False),
        VmState.FAILED: Way(VmState.STOPPING, "failed.cleanup", without_instance=VmState.HALTED),
    }
)


def overdue(
    vm: Vm, *, at: float, pool: Pool, endpoint: Endpoint, busy_slots: int, last_heartbeat: float
) -> Move | Alarm | None:
    """Return what time has done to a VM: a move, an alarm where a move would end payloads, or nothing.

    A move to `Stopping` means: ask the cloud to terminate it; also from `Stopping`, when it did not end in time.
    """
    silent = at - max(last_heartbeat, vm.state_since)
    if vm.state in BEATING and silent > pool.stalled_after:
        reason = Reason.of("heartbeat.lost", after=int(pool.stalled_after))
        return move(vm, VmState.STALLED, reason, pool=pool, endpoint=endpoint, at=at)
    way = WAYS.get(vm.state)
    if way is None or at < vm.deadline:
        return None
    if busy_slots and way.ends_payloads and not pool.kill_busy:
        return Alarm(vm.id, Reason.of("alarm.busy", slots=busy_slots, state=vm.state.value, deadline=int(vm.deadline)))
    return move(vm, _target(vm, way), Reason.of(way.code, pool=pool.name), pool=pool, endpoint=endpoint, at=at)


def _target(vm: Vm, way: Way) -> VmState:
    return way.without_instance if way.without_instance and not vm.instance_id else way.to
