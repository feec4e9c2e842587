"""Why: what the ledger remembers of a VM, job, queue or pool, in words, oldest first."""

from __future__ import annotations

from dataclasses import dataclass

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.ledger.api import ReasonSpan, Transaction
from vmdirac_py.model.job import Job, JobState
from vmdirac_py.model.words import words

from . import strangers
from .api import Context

MAX_DIGITS = 18  # longer numbers are no job's


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened or holds: when (epoch seconds), what, and until when it held (0.0: a moment)."""

    at: float
    text: str
    until: float = 0.0
    holds: bool = False


def why(ctx: Context, subject: str) -> list[Line]:
    """Explain `vm-...`, a job's number, `queue:ID`, a pool's name, or an instance that no VM explains.

    Raises:
        UnknownThing: nothing of that name is known.
    """
    with ctx.ledger.read() as tx:
        for explain in (_of_job, _of_vm, _of_queue, _of_pool, _of_instance):
            if lines := explain(tx, subject):
                return sorted(lines, key=lambda line: line.at)
    raise UnknownThing(
        "nothing is known of it", where=subject, mend="name a VM, a job's number, a queue, a pool or an instance"
    )


def _of_job(tx: Transaction, subject: str) -> list[Line]:
    number = int(subject) if subject.isdecimal() and len(subject) <= MAX_DIGITS else 0
    job = tx.jobs.get(number) if number else None
    if job is None:
        return []
    lines = [Line(at, _job_step(state, vm, minor)) for at, state, vm, minor in tx.jobs.history(job.id)]
    return lines + (_waiting(tx, job) if job.state is JobState.WAITING else [])


def _job_step(state: JobState, vm: str, minor: str) -> str:
    return " ".join(part for part in (str(state), f"on {vm}" if vm else "", f"({minor})" if minor else "") if part)


def _waiting(tx: Transaction, job: Job) -> list[Line]:
    spans = _spans(tx.reasons.holding(f"queue:{job.queue}"))
    return spans or [Line(job.submitted_at, "no plan has seen it yet", holds=True)]


def _of_vm(tx: Transaction, subject: str) -> list[Line]:
    steps = tx.vms.history(subject)
    lines = [Line(step.at, f"{step.to} by {step.actor}: {words(step.reason)}") for step in steps]
    return lines + _spans(tx.reasons.history(f"vm:{subject}")) if lines else []


def _of_queue(tx: Transaction, subject: str) -> list[Line]:
    return _spans(tx.reasons.history(f"queue:{subject.removeprefix('queue:')}"))


def _of_instance(tx: Transaction, subject: str) -> list[Line]:
    return [line for listing in tx.observations.listings() for line in _spans(strangers.history(tx, listing, subject))]


def _of_pool(tx: Transaction, subject: str) -> list[Line]:
    name = subject.removeprefix("pool:")
    active = tx.revisions.active()
    if active is None or name not in active.pools:
        return []
    lines = _spans(tx.reasons.history(f"pool:{name}"))
    return lines or [Line(0.0, "nothing binds it: no limit, no back-off, no refusal was noted", holds=True)]


def _spans(spans: list[ReasonSpan]) -> list[Line]:
    return [Line(span.since, words(span.reason), span.until, holds=span.until == 0.0) for span in spans]
