"""What becomes of the jobs of a VM that is certainly gone: run again elsewhere, a bounded number of times."""

from __future__ import annotations

from collections.abc import Collection

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.job import BUSY_JOB_STATES, JobState


def settle_jobs(tx: Transaction, vm_ids: Collection[str], *, at: float, max_attempts: int, actor: str) -> None:
    """Requeue the Matched and Running jobs of these VMs, or fail those that have used up their attempts."""
    for vm_id in vm_ids:
        for job in tx.jobs.find(states=BUSY_JOB_STATES, vm=vm_id):
            if job.attempt < max_attempts:
                tx.jobs.requeue(job.id, at=at, minor=f"VM {vm_id} is gone")
                tx.events.append("job.rescheduled", subject=str(job.id), actor=actor, data={"vm": vm_id})
            else:
                minor = f"VM died under it {job.attempt} times"
                tx.jobs.move(job.id, BUSY_JOB_STATES, JobState.FAILED, at=at, minor=minor)
                tx.events.append("job.failed", subject=str(job.id), actor=actor, data={"vm": vm_id})
