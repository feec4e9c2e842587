"""Jobs that lost their VM: back to the queue, as often as the settings allow."""

from __future__ import annotations

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.job import BUSY_JOB_STATES, JobState

TOO_OFTEN = "Rescheduled too often"


def give_back(tx: Transaction, vm_id: str, *, minor: str, max_attempts: int, actor: str, at: float) -> list[int]:
    """Return a VM's jobs to the queue, or fail those that had their last attempt; return the ids given back."""
    returned = []
    for job in tx.jobs.find(vm=vm_id, states=BUSY_JOB_STATES):
        again = job.attempt < max_attempts
        if again:
            tx.jobs.requeue(job.id, at=at, minor=minor)
            returned.append(job.id)
        else:
            tx.jobs.move(job.id, BUSY_JOB_STATES, JobState.FAILED, at=at, minor=f"{TOO_OFTEN}: {minor}")
        topic = "job.rescheduled" if again else "job.failed"
        tx.events.append(topic, subject=f"job:{job.id}", actor=actor, data={"vm": vm_id, "minor": minor})
    return returned
