"""Why: what the ledger remembers of a VM, job, queue or pool, in words, oldest first; all of it, or of some time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise
from math import inf

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.ledger.api import ReasonSpan, Transaction, Transition
from vmdirac_py.model.job import Job, JobState
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.model.words import words

from . import strangers
from .api import Context
from .offers import gathered_for
from .provenance import Line, by_plan, of_pool, of_vm

MAX_DIGITS = 18  # longer numbers are no job's
ENDS = frozenset({VmState.DRAINING, VmState.STOPPING})
"""States a plan may have brought a VM to."""
UNSEEN = "no plan has seen it yet"


def why(ctx: Context, subject: str, *, since: float = 0.0, until: float = inf) -> list[Line]:
    """Explain `vm-...`, a job's number, `queue:ID`, a pool's name, or an instance that no VM explains.

    Args:
        ctx: the installation.
        subject: what to explain.
        since: leave out what was over by then (epoch), but for the last thing that happened before.
        until: leave out what happened after.

    Raises:
        UnknownThing: nothing of that name is known.
    """
    with ctx.ledger.read() as tx:
        for explain in (_of_job, partial(_of_vm, ctx), _of_queue, _of_pool, _of_instance):
            if lines := explain(tx, subject):
                return _within(sorted(lines, key=lambda line: line.at), since, until)
    raise UnknownThing(
        "nothing is known of it", where=subject, mend="name a VM, a job's number, a queue, a pool or an instance"
    )


def _within(lines: list[Line], since: float, until: float) -> list[Line]:
    before = [line for line in lines if line.is_moment and line.at < since]
    return [line for line in lines if line in before[-1:] or line.touches(since, until)]


def _of_job(tx: Transaction, subject: str) -> list[Line]:
    number = int(subject) if subject.isdecimal() and len(subject) <= MAX_DIGITS else 0
    job = tx.jobs.get(number) if number else None
    if job is None:
        return []
    steps = tx.jobs.history(job.id)
    lines = [Line(at, _job_step(state, vm, minor)) for at, state, vm, minor in steps]
    return [*lines, *_waits(tx, job, [(at, state) for at, state, _, _ in steps])]


def _job_step(state: JobState, vm: str, minor: str) -> str:
    return " ".join(part for part in (str(state), f"on {vm}" if vm else "", f"({minor})" if minor else "") if part)


def _waits(tx: Transaction, job: Job, steps: list[tuple[float, JobState]]) -> Iterator[Line]:
    """Yield what held of the job's queue while it waited, each time it did."""
    told = _spans(tx.reasons.history(f"queue:{job.queue}"))
    for (since, state), (until, _) in pairwise([*steps, (inf, job.state)]):
        if state is JobState.WAITING:
            yield from (line.clipped(since, until) for line in told if line.touches(since, until))
    if job.state is JobState.WAITING and not any(line.holds for line in told):
        yield Line(steps[-1][0] if steps else job.submitted_at, UNSEEN, holds=True)


def _of_vm(ctx: Context, tx: Transaction, subject: str) -> list[Line]:
    vm = tx.vms.get(subject)
    if vm is None:
        return []
    steps = [_vm_step(tx, step) for step in tx.vms.history(subject)]
    noted = _spans(tx.reasons.history(f"vm:{subject}"))
    return [*of_vm(tx, vm), *steps, *noted, *_gathers(ctx, tx, vm)]


def _gathers(ctx: Context, tx: Transaction, vm: Vm) -> Iterator[Line]:
    """Yield for whose jobs a VM keeps its free cores now; nobody noted it: each match looks anew."""
    at, inventory = ctx.clock.now(), tx.revisions.active()
    runs = inventory is not None and vm.state is VmState.RUNNING
    queue = gathered_for(tx, inventory, vm, at=at) if inventory is not None and runs else None
    if queue is not None:
        reason = Reason.of("hold.room", queue=queue.id, seconds=int(at - queue.oldest))
        yield Line(at, words(reason), holds=True)


def _vm_step(tx: Transaction, step: Transition) -> Line:
    line = Line(step.at, f"{step.to} by {step.actor}: {words(step.reason)}")
    return by_plan(tx, tx.plans.made_at(step.at), line) if step.to in ENDS else line


def _of_queue(tx: Transaction, subject: str) -> list[Line]:
    name = subject.removeprefix("queue:")
    waiting = (queue for queue in tx.jobs.queues() if queue.id == name)
    unseen = [Line(queue.oldest, UNSEEN, holds=True) for queue in waiting]
    return _spans(tx.reasons.history(f"queue:{name}")) or unseen


def _of_instance(tx: Transaction, subject: str) -> list[Line]:
    return [line for listing in tx.observations.listings() for line in _spans(strangers.history(tx, listing, subject))]


def _of_pool(tx: Transaction, subject: str) -> list[Line]:
    name = subject.removeprefix("pool:")
    active = tx.revisions.active()
    lines = [*_spans(tx.reasons.history(f"pool:{name}")), *of_pool(tx, name)]
    if lines or active is None or name not in active.pools:
        return lines
    return [Line(0.0, "nothing binds it: no limit, no back-off, no refusal was noted", holds=True)]


def _spans(spans: Iterable[ReasonSpan]) -> list[Line]:
    return [Line(span.since, words(span.reason), span.until, holds=span.until == 0.0) for span in spans]
