"""The credentials of jobs' owners: kept at submission, handed to the one VM that has the job, destroyed afterwards."""

from __future__ import annotations

from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.credentials.owners import Owned, Owners
from vmdirac_py.model.job import BUSY_JOB_STATES, FINAL_JOB_STATES, JobState

from .api import Context
from .callers import caller
from .work import attempted

FORGET_SECONDS = 3600.0
"""How long a credential may outlive its job when its end did not destroy it: a rescheduled job may still want it."""


def owners(ctx: Context) -> Owners:
    """Return where they are kept."""
    return Owners(ctx.home.owner_credentials)


def replace(ctx: Context, job_id: int, owned: Owned, *, actor: str) -> None:
    """Give a job a new credential; a running payload has it within `credential_seconds`.

    Raises:
        UnknownThing: no such job. BadInput: it was submitted without a credential. Conflict: it is Done.
        Unusable: the disk refused.
    """
    with ctx.ledger.write() as tx:
        job = tx.jobs.get(job_id)
        if job is None:
            raise UnknownThing("no such job", where=str(job_id), mend="see `vmdirac job list`")
        if not job.spec.payload.credential:
            raise BadInput("it was submitted without a credential", where=f"job {job_id}", mend="submit it with one")
        if job.state is JobState.DONE:
            raise Conflict("it is Done and needs no credential", where=f"job {job_id}")
        owners(ctx).put(job_id, owned)
        tx.events.append("job.credential", subject=f"job:{job_id}", actor=actor, data={"vm": job.vm})


def hand_over(ctx: Context, vm_id: str, job_id: int, attempt: int) -> Owned:
    """Return the credential of a job to the VM that runs it.

    Raises:
        UnknownThing: no such job or VM, or the job has no credential (any more).
        NotAllowed: the job is another VO's or VM's. Conflict: it was rescheduled or has ended. VmGone.
    """
    with ctx.ledger.read() as tx:
        job = attempted(tx, caller(tx, vm_id), job_id, attempt)
    if job.state not in BUSY_JOB_STATES:
        raise Conflict(f"the job is {job.state}", where=f"job {job_id}", mend="end its payload")
    if not job.spec.payload.credential:
        raise UnknownThing("the job has no credential", where=f"job {job_id}")
    return owners(ctx).get(job_id)


def tidy(ctx: Context) -> None:
    """Destroy the credentials of jobs that have ended without a report."""
    kept = owners(ctx)
    for job_id in kept.kept(older_than=ctx.clock.now() - FORGET_SECONDS):
        with ctx.ledger.read() as tx:
            job = tx.jobs.get(job_id)
        if job is None or job.state in FINAL_JOB_STATES:
            kept.forget(job_id)
