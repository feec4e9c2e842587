"""What one complete listing of an endpoint means for a VM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, Vm, VmState

from .states import BOOTING, move

ABSENT_LISTINGS = 2
"""So many complete listings in a row must lack an instance before it counts as gone: clouds list eventually."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one complete listing showed of a VM's instance, in the cloud's words.

    `word` is its state, `fault` why it ended, `leaving` why the cloud is about to take it away (empty: it is not).
    `failed` is the error class of an instance that was taken and never will run; it still holds something.
    """

    present: bool
    terminal: bool = False
    word: str = ""
    fault: str = ""
    address: str = ""
    leaving: str = ""
    failed: str = ""


ABSENT = Sighting(present=False)
# state -> what becomes of a VM whose instance will be taken away. A silent one keeps its own, shorter deadline.
LEAVING: Mapping[VmState, VmState] = MappingProxyType(
    {**dict.fromkeys(BOOTING, VmState.STOPPING), VmState.RUNNING: VmState.DRAINING}
)


def observe(vm: Vm, sighting: Sighting, *, at: float, pool: Pool, endpoint: Endpoint) -> Move | None:
    """Return the move a sighting causes, if any; `vm.missed_listings` already counts this listing."""
    if vm.state is VmState.HALTED:
        return None
    to, reason = _meaning(vm, sighting, at, endpoint)
    return move(vm, to, reason, pool=pool, endpoint=endpoint, at=at) if to is not vm.state else None


def _meaning(vm: Vm, sighting: Sighting, at: float, endpoint: Endpoint) -> tuple[VmState, Reason]:
    if sighting.terminal:
        return VmState.HALTED, Reason.of("observed.ended", state=sighting.word, fault=sighting.fault)
    if sighting.failed and vm.state in BOOTING:
        return VmState.FAILED, Reason.of("observed.failed", error=sighting.failed, fault=sighting.fault)
    if sighting.leaving and vm.state in LEAVING:
        return LEAVING[vm.state], Reason.of("observed.leaving", notice=sighting.leaving)
    if sighting.present:
        to = VmState.SUBMITTED if vm.state is VmState.NEW else vm.state
        return to, Reason.of("observed.present", state=sighting.word)
    gone = bool(vm.instance_id) and vm.missed_listings >= ABSENT_LISTINGS and _listable(vm, at, endpoint)
    return VmState.HALTED if gone else vm.state, Reason.of("observed.absent", listings=vm.missed_listings)


def _listable(vm: Vm, at: float, endpoint: Endpoint) -> bool:
    # A slow create call answers long after the row was written: the lag counts from the answer.
    fresh = vm.state in {VmState.NEW, VmState.SUBMITTED}
    return at - (vm.state_since if fresh else vm.created_at) > endpoint.listing_lag
