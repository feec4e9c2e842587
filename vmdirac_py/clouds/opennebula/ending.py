"""Ending VMs, each by a call of its own."""

from __future__ import annotations

from collections.abc import Sequence

from vmdirac_py.clouds.api import CloudError, Unavailable

from .deadline import Deadline
from .errors import ACTION, NO_EXISTS, refusal
from .reading import Sighted, instance_id
from .rpc import Rpc
from .states import ENDING

HARD = "terminate-hard"
"""A graceful one waits for the guest; a worker that should say goodbye has done so before."""


def end_each(rpc: Rpc, deadline: Deadline, vms: Sequence[Sighted]) -> None:
    """Ask for the end of VMs; one gone, or on its way there, is ended, and one that may not be keeps no other.

    Raises:
        CloudError: some could not be ended.
    """
    refused = [error for vm in vms if not _ending(vm) if (error := _end(rpc, deadline, vm))]
    if refused:
        raise refused[0]


def _ending(vm: Sighted) -> bool:
    return vm.instance is not None and (vm.instance.terminal or vm.instance.state.rpartition("/")[2] in ENDING)


def _end(rpc: Rpc, deadline: Deadline, vm: Sighted) -> CloudError | None:
    """Return why a VM cannot be ended now, if so. Raises CloudError where the call itself failed."""
    answer = rpc.change(deadline, "one.vm.action", HARD, vm.number)
    if answer.code in {0, NO_EXISTS}:
        return None
    if answer.code == ACTION:  # OpenNebula ends none that is being deployed (PROLOG, BOOT); later it will
        return Unavailable(f"{instance_id(vm.number)} cannot be ended now: {answer.value}", where=rpc.where)
    return refusal(answer, rpc.where, otherwise=Unavailable)
