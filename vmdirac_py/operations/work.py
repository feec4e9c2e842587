"""Jobs for VMs: give one, hear what became of it, hand over its sandboxes. Each verb is one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from vmdirac_py.base.blobs import Incoming
from vmdirac_py.base.errors import BadInput, Conflict, NotAllowed, UnknownThing
from vmdirac_py.credentials.owners import Owners
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import rules_for
from vmdirac_py.model.fit import Offer, Wish, norm_seconds
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.job import BUSY_JOB_STATES, FINAL_JOB_STATES, Job, JobState, Used
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.queues.api import Match

from . import purpose, soft_ends
from .api import Context
from .callers import actor_of, caller, wake
from .capacities import NOTHING
from .offers import hosts_of, offered
from .rescheduling import give_back_jobs

REPORTABLE = {state.value: state for state in (JobState.RUNNING, JobState.DONE, JobState.FAILED)}
GIVEN_BACK = {"Lost": BUSY_JOB_STATES, "Returned": frozenset({JobState.MATCHED})}
"""What a VM says of a job that shall wait again, and its states: cut off; never started."""
MAX_JOB_ID = 2**63 - 1  # what the ledger's integers hold
MAX_EXIT = 2**31 - 1
MAX_MINOR = 500
MAX_USED = 10**12  # CPU seconds or MiB that any payload can have used


@dataclass(frozen=True, slots=True)
class Claim:
    """What a VM says it has and has free; `cores` is its total."""

    cores: int
    free_cores: int
    free_ram_mb: int
    free_gpus: int
    empty: bool
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Told:
    """A VM's report on a job, as `worker.wire.Report` says it: nothing of it is believed yet."""

    state: str
    minor: str = ""
    exit_code: int | None = None
    output: str = ""
    cpu_seconds: float = 0.0
    peak_ram_mb: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """A report on a job that may be: its state, and what came with it."""

    state: JobState
    minor: str
    exit_code: int | None
    output: str
    used: Used


def match(ctx: Context, vm_id: str, claim: Claim, wishes: Collection[str]) -> Match | None:
    """Give a Running VM that has no orders a job that fits, or None; asking is a sign of life as well.

    What is free is the ledger's own count, and never more than the VM claims. It gets what is within its reach
    (`planner/ends.py`).

    Raises:
        BadInput: there is no such wish.
        UnknownThing: no such VM. VmGone: its life is over.
    """
    kinds = _wishes(wishes)
    at = ctx.clock.now()
    inventory = ctx.inventory()
    with ctx.ledger.write() as tx:
        vm = caller(tx, vm_id)
        if wake(tx, inventory, vm, at=at) is not VmState.RUNNING or tx.commands.open(vm_id):
            return None
        lost = tx.jobs.find(vm=vm_id, states={JobState.MATCHED}, limit=1) if claim.empty else []
        pool = rules_for(vm, inventory).pool
        if lost:
            return Match(lost[0], lost[0].cores, pool.benchmark)
        offer = _offer(tx, vm, pool, claim, at)
        lasts = soft_ends.lasts(tx, vm, pool, at=at)
        hosts = hosts_of(tx, inventory, vm.vo, at=at)
        found = ctx.queue.match(tx, vm_id, offer, kinds, at=at, lasts=lasts, hosts=hosts)
        if found is None:
            return None
        purpose.found(tx, vm, at=at)
        data = {"vm": vm_id, "cores": found.cores, "vo": vm.vo, "attempt": found.job.attempt}
        tx.events.append("job.matched", subject=f"job:{found.job.id}", actor=actor_of(vm_id), data=data)
        return Match(found.job, found.cores, pool.benchmark)


def report(ctx: Context, vm_id: str, job_id: int, attempt: int, told: Told) -> None:
    """Take in what became of a job and what it used; the same report again changes nothing.

    One that the VM lost, or returns because by its own count it does not fit, waits again, as after any other failed
    attempt. The owner's credential goes with the job's end.

    Raises:
        BadInput: the state, exit code or output cannot be. UnknownThing: no such job or VM.
        NotAllowed: the job is another VO's or VM's. VmGone: the VM's life is over.
        Conflict: the job was rescheduled, killed or ended otherwise meanwhile.
    """
    if told.state in GIVEN_BACK:
        _give_back(ctx, vm_id, job_id, attempt, told.state, told.minor)
        return
    ending = _ending(ctx, told)
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        vm = caller(tx, vm_id)
        job = attempted(tx, vm, job_id, attempt)
        if _is_repeat(job, ending):
            return
        came_from = {JobState.MATCHED} if ending.state is JobState.RUNNING else BUSY_JOB_STATES
        if not _move(tx, job, came_from, ending, at):
            raise Conflict(f"the job is {job.state} already", where=f"job {job_id}", mend="drop this report")
        data = {"vm": vm_id, "vo": vm.vo, "exit_code": ending.exit_code, "minor": ending.minor}
        data |= _ran(job, ending, at) | _used(ending.used)
        topic = f"job.{ending.state.lower()}"
        tx.events.append(topic, subject=f"job:{job_id}", actor=actor_of(vm_id), data=data)
    if ending.state in FINAL_JOB_STATES:
        Owners(ctx.home.owner_credentials).forget(job_id)


def _give_back(ctx: Context, vm_id: str, job_id: int, attempt: int, state: str, minor: str) -> None:
    at, attempts, actor = ctx.clock.now(), ctx.settings.max_attempts, actor_of(vm_id)
    with ctx.ledger.write() as tx:
        job = attempted(tx, caller(tx, vm_id), job_id, attempt)
        if job.state not in GIVEN_BACK[state]:
            raise Conflict(f"the job is {job.state} already", where=f"job {job_id}", mend="drop this report")
        why = minor[:MAX_MINOR] or f"{state.lower()} by its VM"
        give_back_jobs(tx, [job], minor=why, max_attempts=attempts, actor=actor, at=at)


def input_sandbox(ctx: Context, vm_id: str, job_id: int) -> Path:
    """Return the file of the input sandbox of a job this VM was given.

    Raises:
        UnknownThing: no such job or VM, or the job has no input sandbox.
        NotAllowed: the job is another VO's or VM's. VmGone: the VM's life is over.
    """
    with ctx.ledger.read() as tx:
        name = _own(tx, caller(tx, vm_id), job_id).spec.payload.input_sandbox
    if not name:
        raise UnknownThing("the job has no input sandbox", where=f"job {job_id}")
    path = ctx.blobs.path(name)
    if not path.is_file():
        raise UnknownThing("the input sandbox is lost", where=f"job {job_id}", mend="submit the job again")
    return path


def store_output(ctx: Context, vm_id: str, job_id: int) -> Incoming:
    """Return where to write the output of a job this VM was given; its `keep()` names the blob to report.

    Raises:
        UnknownThing: no such job or VM. NotAllowed: the job is another VO's or VM's. VmGone: the VM's life is over.
        Unusable: the disk refused.
    """
    with ctx.ledger.read() as tx:
        _own(tx, caller(tx, vm_id), job_id)
    return ctx.blobs.incoming()


def _wishes(names: Collection[str]) -> Sequence[Wish]:
    try:
        return [Wish(name) for name in dict.fromkeys(names)]  # each once: there are few kinds, and a list may be long
    except ValueError:
        raise BadInput("no such kind of job", where="wishes", mend="any of " + ", ".join(Wish)) from None


def _offer(tx: Transaction, vm: Vm, pool: Pool, claim: Claim, at: float) -> Offer:
    used = tx.jobs.used_cores([vm.id]).get(vm.id, NOTHING)
    counted = offered(vm, pool, used, tx.jobs.runs([vm.id]).get(vm.id, ()), at=at)
    total, free = counted.total, counted.free
    return replace(
        counted,
        total=replace(total, cores=min(total.cores, claim.cores)),
        free=Resources(
            min(free.cores, claim.free_cores),
            min(free.ram_mb, claim.free_ram_mb),
            min(free.gpus, claim.free_gpus),
            free.disk_gb,
        ),
        empty=claim.empty and counted.empty,
        seconds_left=min(norm_seconds(claim.seconds_left, pool), counted.seconds_left),
    )


def _ending(ctx: Context, told: Told) -> Ending:
    state, exit_code, output = told.state, told.exit_code, told.output
    if state not in REPORTABLE:
        raise BadInput(
            "a VM cannot report this state", where="state", mend="one of " + ", ".join([*REPORTABLE, *GIVEN_BACK])
        )
    if exit_code is not None and abs(exit_code) > MAX_EXIT:
        raise BadInput("no exit code is that big", where="exit_code")
    if output and not ctx.blobs.path(output).is_file():
        raise BadInput("no such output was uploaded", where="output", mend="upload the output before reporting it")
    used = Used(float(_counted(told.cpu_seconds)), int(_counted(told.peak_ram_mb)))
    return Ending(REPORTABLE[state], told.minor[:MAX_MINOR], exit_code, output, used)


def _counted(told: float) -> float:
    """Return what a VM says that a payload used, 0: it cannot be, and so is not known."""
    return told if 0 <= told <= MAX_USED else 0


def _is_repeat(job: Job, ending: Ending) -> bool:
    if job.state is not ending.state:
        return False
    same = (job.exit_code, job.output) == (ending.exit_code, ending.output)
    return job.state not in FINAL_JOB_STATES or same


def _move(tx: Transaction, job: Job, was: Collection[JobState], ending: Ending, at: float) -> bool:
    return tx.jobs.move(
        job.id,
        was,
        ending.state,
        at=at,
        vm=job.vm,
        minor=ending.minor,
        exit_code=ending.exit_code,
        output=ending.output,
        used=ending.used,
    )


def _ran(job: Job, ending: Ending, at: float) -> dict[str, Any]:
    """Say how long whose job ran, once it ended by itself: what `tx.jobs.finished` tells the planner."""
    if ending.state not in FINAL_JOB_STATES or not job.started_at:
        return {}
    spec = job.spec
    seconds = max(0.0, at - job.started_at)  # clocks are set back
    return {"owner": spec.owner, "group": spec.group, "cpu_seconds": spec.shape.cpu_seconds, "seconds": seconds}


def _used(used: Used) -> dict[str, Any]:
    return {"used_cpu_seconds": used.cpu_seconds, "peak_ram_mb": used.peak_ram_mb} if used != Used() else {}


def attempted(tx: Transaction, vm: Vm, job_id: int, attempt: int) -> Job:
    """Return the job when this VM has this attempt of it.

    Raises:
        UnknownThing: no such job. NotAllowed: it is another VO's or VM's. Conflict: it was rescheduled.
    """
    job = _of_vo(tx, vm, job_id)
    if attempt < job.attempt:
        raise Conflict(
            f"the job was rescheduled, it is at attempt {job.attempt}", where=f"job {job_id}", mend="drop this report"
        )
    if attempt > job.attempt or job.vm != vm.id:
        raise _not_given(job_id)
    return job


def _own(tx: Transaction, vm: Vm, job_id: int) -> Job:
    """Return the job when it is, or ended as, this VM's (a repeated report uploads its output again)."""
    job = _of_vo(tx, vm, job_id)
    if job.vm != vm.id:
        raise _not_given(job_id)
    return job


def _of_vo(tx: Transaction, vm: Vm, job_id: int) -> Job:
    job = tx.jobs.get(job_id) if 0 < job_id <= MAX_JOB_ID else None
    if job is None:
        raise UnknownThing("no such job", where=f"job {job_id}")
    if job.spec.vo != vm.vo:
        raise NotAllowed("the job belongs to another VO", where=f"job {job_id}")
    return job


def _not_given(job_id: int) -> NotAllowed:
    return NotAllowed("this VM was not given this job", where=f"job {job_id}", mend="drop the job")
