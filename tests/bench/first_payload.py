"""From a submission to the first instruction of its payload, on a VM of the embedded cloud that must first be made.

Scheduler and manager run, nothing else does: no VM is there, and no other job waits.
"""

from __future__ import annotations

import time

from tests.support.wait import until
from vmdirac_py.installation import Installation
from vmdirac_py.model.job import FINAL_JOB_STATES, Job, JobState
from vmdirac_py.operations import jobs, outputs

from .figures import Numbers
from .homes import cloud, installation, services, up

RUNS = 10
# The payload tells its own start; a VM's clock is the host's.
JOB = """[ Executable = "/bin/date"; Arguments = "+%s.%N"; StdOutput = "std.out"; OutputSandbox = {"std.out"};
          CPUTime = 300; VirtualOrganization = "bench"; OwnerGroup = "bench_user"; ]"""


def measure(*, quick: bool) -> Numbers:
    """Return seconds from the submitting call until the VM was in each state, and until the payload's own clock."""
    del quick
    with installation(cores=1, pool_boot_seconds=5) as ctx, cloud(ctx), services(ctx, "serve", "run"):
        until(lambda: up(ctx), seconds=60, what="scheduler and manager")
        started = time.time()
        (job,) = jobs.submit(ctx, JOB, folder=None, where="bench", actor="bench")
        until(lambda: _job(ctx, job.id).state in FINAL_JOB_STATES, seconds=120, what="the job's end")
        assert _job(ctx, job.id).state is JobState.DONE, _job(ctx, job.id).minor
        payload = float(outputs.standard_output(ctx, job.id))
        return {name: at - started for name, at in {**_stops(ctx, job.id), "first_payload_s": payload}.items()}


def _job(ctx: Installation, job_id: int) -> Job:
    with ctx.ledger.read() as tx:
        job = tx.jobs.get(job_id)
    assert job is not None
    return job


def _stops(ctx: Installation, job_id: int) -> dict[str, float]:
    """Return when the job's VM first was in each of the states on the way to the payload."""
    with ctx.ledger.read() as tx:
        history = tx.vms.history(_job(ctx, job_id).vm)
    way = ("New", "Submitted", "Contextualising", "Running")
    return {f"vm_{step.to.value.lower()}_s": step.at for step in reversed(history) if step.to.value in way}
