"""How many VMs of an endpoint may drain within a minute, whatever the cause: no wrong input empties a cloud at once.

New VMs are not counted: what a plan launches must not let the next one drain more.
"""

from __future__ import annotations

from collections import Counter

from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.planner.limits import occupies

WINDOW = 60.0
LEAST = 5
SHARE = 0.2
DRAINED = "vm.drained"
DECIDED = ("retire.", "over.")
"""Reasons of VMs that a plan ended while they still booted."""


class Caps:
    """What is left of each endpoint's cap; VMs that began to drain, or ended drained, within the window count."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.most = _caps(snapshot)
        self._left = Counter(self.most)
        self._left.subtract(one.vm.endpoint for one in snapshot.fleet if _recent(one.vm, snapshot.at))

    def take(self, endpoint: str) -> bool:
        """Use one up; False when none is left."""
        if self._left[endpoint] <= 0:
            return False
        self._left[endpoint] -= 1
        return True


def _caps(snapshot: Snapshot) -> dict[str, int]:
    vms = Counter(one.vm.endpoint for one in snapshot.fleet if occupies(one.vm) and one.vm.state is not VmState.NEW)
    return {name: _cap(name, count, snapshot) for name, count in vms.items()}


def _cap(name: str, vms: int, snapshot: Snapshot) -> int:
    endpoint = snapshot.inventory.endpoints.get(name)
    if endpoint is not None and endpoint.max_drains is not None:
        return endpoint.max_drains
    return max(LEAST, int(SHARE * vms))


def _recent(vm: Vm, at: float) -> bool:
    if at - vm.state_since >= WINDOW:
        return False
    code = vm.reason.code if vm.reason else ""
    ended = vm.state is VmState.STOPPING and (code == DRAINED or code.startswith(DECIDED))
    return ended or vm.state is VmState.DRAINING
