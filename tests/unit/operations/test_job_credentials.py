"""A job's credential: for the VM that has the job, while it has it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.support.context import TestContext, add_vm, events, job_of
from vmdirac_py.base.errors import BadInput, Conflict, NotAllowed, UnknownThing
from vmdirac_py.credentials.owners import Owned
from vmdirac_py.model.job import Job, JobState
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import jobs, work
from vmdirac_py.operations.job_credentials import FORGET_SECONDS, hand_over, owners, replace, tidy

FIRST, SECOND = Owned(token="the-first-token"), Owned(token="the-second-token")
FREE = work.Claim(cores=8, free_cores=8, free_ram_mb=16000, free_gpus=0, empty=True, seconds_left=1e6)


@pytest.fixture
def vm(ctx: TestContext) -> Vm:
    """Return a Running VM of VO astro."""
    return add_vm(ctx, state=VmState.RUNNING)


def submitted(ctx: TestContext, count: int = 1, **given: Any) -> list[Job]:
    """Submit jobs of VO astro."""
    return jobs.submit(
        ctx, 'Executable = "x";', folder=None, where="j.jdl", actor="unix:ann", vo="astro", count=count, **given
    )


def running(ctx: TestContext, vm: Vm) -> int:
    """Submit a job with a credential and let a VM have it."""
    (job,) = submitted(ctx, credential=FIRST)
    assert work.match(ctx, vm.id, FREE, ["any"])
    return job.id


def test_the_vm_of_the_job_gets_it(ctx: TestContext, vm: Vm) -> None:
    """The VM that was given a job gets its credential, and the renewed one as soon as there is one."""
    job = running(ctx, vm)
    assert hand_over(ctx, vm.id, job, 1) == FIRST
    replace(ctx, job, SECOND, actor="unix:ann")
    assert hand_over(ctx, vm.id, job, 1) == SECOND
    assert "token" not in str(events(ctx, "job.credential"))


def test_no_other_vm_gets_it(ctx: TestContext, vm: Vm) -> None:
    """Neither another VM of the VO nor one of another VO gets it, nor the right VM for another attempt."""
    job = running(ctx, vm)
    for other in (add_vm(ctx, state=VmState.RUNNING), add_vm(ctx, state=VmState.RUNNING, pool="bio-8")):
        with pytest.raises(NotAllowed):
            hand_over(ctx, other.id, job, 1)
    with pytest.raises(NotAllowed):
        hand_over(ctx, vm.id, job, 2)


def test_it_goes_with_the_jobs_end(ctx: TestContext, vm: Vm) -> None:
    """Once the job's end is reported the credential is destroyed, and the VM gets it no more."""
    job = running(ctx, vm)
    work.report(ctx, vm.id, job, 1, work.Told(state="Running", minor="", exit_code=None, output=""))
    assert owners(ctx).get(job) == FIRST
    work.report(ctx, vm.id, job, 1, work.Told(state="Done", minor="", exit_code=0, output=""))
    with pytest.raises(UnknownThing):
        owners(ctx).get(job)
    with pytest.raises(Conflict):
        hand_over(ctx, vm.id, job, 1)


def test_it_goes_with_a_killed_job(ctx: TestContext, vm: Vm) -> None:
    """Killing a job destroys its credential."""
    job = running(ctx, vm)
    jobs.kill(ctx, [job], actor="unix:ann")
    with pytest.raises(UnknownThing):
        owners(ctx).get(job)


def test_a_job_without_its_credential_is_not_rescheduled(ctx: TestContext, vm: Vm) -> None:
    """A Failed job whose credential is gone would fail at its start: it runs again once it has a new one."""
    job = running(ctx, vm)
    work.report(ctx, vm.id, job, 1, work.Told(state="Failed", minor="", exit_code=1, output=""))
    with pytest.raises(Conflict, match=f"vmdirac job credential {job} FILE"):
        jobs.reschedule(ctx, [job], actor="unix:ann")
    assert job_of(ctx, job).state is JobState.FAILED
    replace(ctx, job, SECOND, actor="unix:ann")
    jobs.reschedule(ctx, [job], actor="unix:ann")
    assert work.match(ctx, vm.id, FREE, ["any"])
    assert hand_over(ctx, vm.id, job, 2) == SECOND


def test_copies_have_their_own(ctx: TestContext) -> None:
    """Each copy of a job has a credential of its own, so that the end of one takes nothing from another."""
    first, second = submitted(ctx, count=2, credential=FIRST)
    jobs.kill(ctx, [first.id], actor="unix:ann")
    assert owners(ctx).get(second.id) == FIRST


def test_a_job_without_one_has_none(ctx: TestContext, vm: Vm) -> None:
    """A job that was submitted without gets none later, and its VM is told so."""
    (job,) = submitted(ctx)
    assert work.match(ctx, vm.id, FREE, ["any"])
    with pytest.raises(BadInput):
        replace(ctx, job.id, FIRST, actor="unix:ann")
    with pytest.raises(UnknownThing):
        hand_over(ctx, vm.id, job.id, 1)


@pytest.mark.parametrize(("state", "error"), [("Done", Conflict), ("none", UnknownThing)])
def test_renewal_needs_a_job_that_may_run(ctx: TestContext, vm: Vm, state: str, error: type[Exception]) -> None:
    """A credential for a job that is Done or does not exist is refused."""
    job = running(ctx, vm)
    if state == "Done":
        work.report(ctx, vm.id, job, 1, work.Told(state=state, minor="", exit_code=0, output=""))
    with pytest.raises(error):
        replace(ctx, job if state == "Done" else job + 1, SECOND, actor="unix:ann")


def test_what_ended_otherwise_is_tidied_up(ctx: TestContext, vm: Vm) -> None:
    """Credentials of jobs that ended without a report, or never were, go after a while; those of living jobs stay."""
    living = running(ctx, vm)
    (ended,) = submitted(ctx, credential=FIRST)
    with ctx.ledger.write() as tx:
        tx.jobs.move(ended.id, (JobState.WAITING,), JobState.FAILED, at=ctx.clock.now())
    owners(ctx).put(999, FIRST)
    for path in ctx.home.owner_credentials.iterdir():
        os.utime(path, times=(ctx.clock.now(), ctx.clock.now()))
    tidy(ctx)
    assert owners(ctx).get(ended.id) == FIRST
    ctx.clock.advance(FORGET_SECONDS + 1)
    tidy(ctx)
    assert owners(ctx).get(living) == FIRST
    for job_id in (ended.id, 999):
        with pytest.raises(UnknownThing):
            owners(ctx).get(job_id)
    assert job_of(ctx, living).state is JobState.MATCHED
