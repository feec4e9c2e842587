"""Jobs that lost their VM: back to the queue, as often as the settings allow."""

from __future__ import annotations

from collections.abc import Sequence

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.job import BUSY_JOB_STATES, Job, JobState

TOO_OFTEN = "Rescheduled too often"


def give_back(tx: Transaction, vm_id: str, *, minor: str, max_attempts: int, actor: str, at: float) -> list[int]:
    """Return a VM's jobs to the queue, or fail those that had their last attempt; return the ids given back."""
    jobs = tx.jobs.find(vm=vm_id, states=BUSY_JOB_STATES)
    return give_back_jobs(tx, jobs, minor=minor, max_attempts=max_attempts, actor=actor, at=at)


def give_back_jobs(
    tx: Transaction, jobs: Sequence[Job], *, minor: str, max_attempts: int, actor: str, at: float
) -> list[int]:
    """Return busy jobs to the queue, or fail those that had their last attempt; return the ids given back."""
    returned = []
    for job in jobs:
        again = job.attempt < max_attempts
        if again:
            tx.jobs.requeue(job.id, at=at, minor=minor)
            returned.append(job.id)
        else:
            tx.jobs.move(job.id, BUSY_JOB_STATES, JobState.FAILED, at=at, minor=f"{TOO_OFTEN}: {minor}")
        topic = "job.rescheduled" if again else "job.failed"
        tx.events.append(topic, subject=f"job:{job.id}", actor=actor, data={"vm": job.vm, "minor": minor})
    return returned
