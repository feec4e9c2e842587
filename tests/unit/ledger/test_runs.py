"""Payloads in the ledger, seen from their VMs."""

from __future__ import annotations

from collections.abc import Callable

from vmdirac_py.ledger.engine import SqlLedger
from vmdirac_py.ledger.runs import FEW
from vmdirac_py.model.job import JobSpec, JobState
from vmdirac_py.model.plan import Finished
from vmdirac_py.model.vm import Run

RAN = {"vo": "vo", "owner": "ann", "group": "g", "seconds": 12.5, "cpu_seconds": 360}


def test_runs_are_the_busy_jobs_of_these_vms(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """Whose they are, since when (the start, else the match), on how many cores, and what was asked for."""
    specs = [a_spec(owner=name, shape={"cpu_seconds": 1800}) for name in ("ann", "bob", "eve", "joe")]
    with ledger.write() as tx:
        ann, bob, eve, joe = tx.jobs.insert(specs, at=100.0)
        for job, vm in ((ann, "vm-1"), (bob, "vm-1"), (eve, "vm-2"), (joe, "vm-3")):
            tx.jobs.take(job.queue, vm, 2, at=110.0)
        tx.jobs.move(ann.id, {JobState.MATCHED}, JobState.RUNNING, at=120.0)
        tx.jobs.move(joe.id, {JobState.MATCHED}, JobState.DONE, at=120.0)
        found = tx.jobs.runs(["vm-1", "vm-3", "vm-none"])
    assert found == {"vm-1": (Run("ann", "vo_user", 120.0, 2, 1800), Run("bob", "vo_user", 110.0, 2, 1800))}


def test_of_many_vms_the_others_payloads_are_left_out(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """Where so many VMs are asked for that all payloads are read, those of other VMs do not get in."""
    with ledger.write() as tx:
        for vm in ("vm-other", "vm-1"):
            (job,) = tx.jobs.insert([a_spec(owner=vm)], at=100.0)
            tx.jobs.take(job.queue, vm, 1, at=110.0)
        found = tx.jobs.runs([f"vm-{number}" for number in range(FEW + 1)])
    assert found == {"vm-1": (Run("vm-1", "vo_user", 110.0, 1, found["vm-1"][0].cpu_seconds),)}


def test_the_last_end_of_a_vm_is_known(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """The newest end counts, of the VMs asked for; one without any is absent."""
    with ledger.write() as tx:
        jobs = tx.jobs.insert([a_spec()] * 4, at=100.0)
        for job, vm, end in zip(jobs, ("vm-1", "vm-1", "vm-2", "vm-3"), (150.0, 140.0, 0.0, 130.0), strict=True):
            tx.jobs.take(job.queue, vm, 1, at=110.0)
            if end:
                tx.jobs.move(job.id, {JobState.MATCHED}, JobState.DONE, at=end)
        assert tx.jobs.last_ended(["vm-1", "vm-2", "vm-none"]) == {"vm-1": 150.0}


def test_finished_payloads_are_told_in_order_and_in_parts(ledger: SqlLedger) -> None:
    """What ended without having run, or otherwise, neither is told nor fills a part."""
    with ledger.write() as tx:
        for number in range(3):
            tx.events.append("job.failed", subject="job:7", data={"minor": 'it said "seconds":'})
            tx.events.append("job.killed", subject="job:8", data=RAN)
            tx.events.append("job.done" if number else "job.failed", subject=f"job:{number}", data={**RAN, "vm": "v"})
    with ledger.read() as tx:
        seqs = [event.seq for event in tx.events.after(0, topics=("job.done", "job.failed")) if "vo" in event.data]
        first = tx.jobs.finished(0, limit=2)
        assert first == [Finished(seq, "vo", "ann", "g", 12.5, 360) for seq in seqs[:2]]
        assert [one.seq for one in tx.jobs.finished(first[-1].seq)] == seqs[2:]
        assert tx.jobs.finished(seqs[-1]) == []


def test_use_is_counted_by_vm_over_busy_jobs_only(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """Slots, given cores, RAM and GPUs add up over Matched and Running jobs; idle VMs are absent."""
    with ledger.write() as tx:
        queue = tx.jobs.insert([a_spec(shape={"ram_mb": 2000, "gpus": 1})] * 3, at=100.0)[0].queue
        running, _, ended = (tx.jobs.take(queue, "vm-1", cores, at=110.0) for cores in (1, 4, 2))
        tx.jobs.move(running.id, {JobState.MATCHED}, JobState.RUNNING, at=120.0)
        tx.jobs.move(ended.id, {JobState.MATCHED}, JobState.DONE, at=120.0)
        assert tx.jobs.used_cores(["vm-1", "vm-2"]) == {"vm-1": (2, 5, 4000, 2)}
        assert tx.jobs.used_cores([]) == {}
