"""What was paid and what was used, from the ledger's history."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from vmdirac_py.ledger.api import Transaction, Transition
from vmdirac_py.model.job import Job
from vmdirac_py.model.vm import Vm, VmState

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Account:
    """Core-hours of a set of VMs and of the jobs that ran on them.

    `paid` counts flavor cores from the moment the cloud took the VM until it was seen gone (or now);
    `used` counts the cores of jobs from their start to their end.
    """

    vms: int
    paid: float
    used: float


def account(tx: Transaction, vms: Collection[Vm], jobs: Collection[Job], *, at: float) -> Account:
    """Return the account of these VMs and jobs up to `at`."""
    ours = [vm for vm in vms if vm.instance_id]
    paid = sum(vm.resources.cores * paid_seconds(tx.vms.history(vm.id), at) for vm in ours)
    used = sum(job.cores * ((job.ended_at or at) - job.started_at) for job in jobs if job.started_at)
    return Account(len(ours), paid / HOUR, used / HOUR)


def paid_seconds(history: Collection[Transition], at: float) -> float:
    """Return how long a VM with an instance has been the cloud's: from the first state after New to Halted, or `at`."""
    taken = next((step.at for step in history if step.to is not VmState.NEW), None)
    gone = next((step.at for step in history if step.to is VmState.HALTED), at)
    return max(0.0, gone - taken) if taken is not None else 0.0
