"""The embedded queue in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from vmdirac_py.ledger.engine import SqlLedger
from vmdirac_py.model.job import Job, JobSpec, JobState, Payload
from vmdirac_py.model.queue import Shape

RICH = Payload(
    "run.sh",
    "-n 1 'a b'",
    "out",
    "err",
    "ab" * 32,
    ("result.txt", "ünïcode"),
    (("A", "1"), ("B", "x=y")),
)


def _submit(ledger: SqlLedger, *specs: JobSpec, at: float = 100.0) -> list[Job]:
    with ledger.write() as tx:
        return tx.jobs.insert(specs, at=at)


def test_a_job_comes_back_as_it_was_submitted(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """Shape, payload and text survive; numbers grow in the order given."""
    shape = {"min_cores": 2, "max_cores": 4, "tags": ("GPU", "x"), "sites": ("LCG.A.b",), "ram_mb": 9_000_000_000}
    specs = [a_spec(shape=shape, payload=RICH, jdl='[ Executable = "x"; ]', priority=3.5), a_spec(), a_spec()]
    jobs = _submit(ledger, *specs)
    assert [job.spec for job in jobs] == specs
    assert [job.id for job in jobs] == sorted({job.id for job in jobs})
    with ledger.read() as tx:
        assert tx.jobs.find() == jobs
        assert tx.jobs.get(jobs[0].id) == jobs[0]
        assert tx.jobs.get(10**15) is None
        assert tx.jobs.history(jobs[0].id) == [(100.0, JobState.WAITING, "", "")]


def test_nothing_submitted_is_nothing_done(ledger: SqlLedger) -> None:
    """An empty submission is allowed."""
    assert _submit(ledger) == []


def test_equal_jobs_share_a_queue_and_others_do_not(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """Owner, group, VO, shape and priority make a queue; name and payload do not."""
    alike = [a_spec(name="one"), a_spec(name="two", payload=RICH)]
    others = [a_spec(owner="bob"), a_spec(group="g2"), a_spec(vo="v2"), a_spec(shape={"gpus": 1}), a_spec(priority=2.0)]
    jobs = [*_submit(ledger, *alike), *_submit(ledger, *others, at=90.0)]
    assert jobs[0].queue == jobs[1].queue
    assert len({job.queue for job in jobs}) == 6
    with ledger.read() as tx:
        queues = {queue.id: queue for queue in tx.jobs.queues()}
    first = queues[jobs[0].queue]
    assert (first.waiting, first.oldest, first.owner, first.group, first.shape) == (2, 100.0, "ann", "vo_user", Shape())
    assert sum(queue.waiting for queue in queues.values()) == 7


def test_the_oldest_job_is_taken_first_until_the_queue_is_empty(
    ledger: SqlLedger, a_spec: Callable[..., JobSpec]
) -> None:
    """A taken job is Matched to its VM with its cores; an emptied queue is no queue any more."""
    (young,) = _submit(ledger, a_spec(name="young"), at=200.0)
    (old,) = _submit(ledger, a_spec(name="old"), at=100.0)
    with ledger.write() as tx:
        taken = tx.jobs.take(old.queue, "vm-1", 3, at=300.0)
        assert taken == replace(old, state=JobState.MATCHED, vm="vm-1", cores=3, matched_at=300.0)
        assert tx.jobs.take(old.queue, "vm-1", 1, at=301.0).id == young.id
        assert tx.jobs.take(old.queue, "vm-1", 1, at=302.0) is None
        assert tx.jobs.queues() == []
        assert tx.jobs.history(old.id)[-1] == (300.0, JobState.MATCHED, "vm-1", "")


def test_no_job_is_given_to_two_takers(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """Four threads emptying one queue get each job exactly once."""
    jobs = _submit(ledger, *[a_spec()] * 40)

    def taker(name: str) -> list[Job]:
        got: list[Job] = []
        while True:
            with ledger.write() as tx:
                job = tx.jobs.take(jobs[0].queue, name, 1, at=200.0)
            if job is None:
                return got
            got.append(job)

    with ThreadPoolExecutor(4) as pool:
        taken = [job for found in pool.map(taker, ["vm-1", "vm-2", "vm-3", "vm-4"]) for job in found]
    assert sorted(job.id for job in taken) == [job.id for job in jobs]


def test_a_job_runs_to_its_end(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """Times, exit code and output are set where they belong, and history has each step."""
    (job,) = _submit(ledger, a_spec())
    with ledger.write() as tx:
        tx.jobs.take(job.queue, "vm-1", 1, at=110.0)
        assert tx.jobs.move(job.id, {JobState.MATCHED}, JobState.RUNNING, at=120.0, vm="vm-1")
        done = tx.jobs.move(
            job.id, {JobState.RUNNING}, JobState.DONE, at=130.0, vm="vm-1", exit_code=0, output="blob", minor="fine"
        )
        assert done
        ended = tx.jobs.get(job.id)
        history = tx.jobs.history(job.id)
    assert (ended.started_at, ended.ended_at, ended.exit_code, ended.output) == (120.0, 130.0, 0, "blob")
    assert [line[1] for line in history] == [JobState.WAITING, JobState.MATCHED, JobState.RUNNING, JobState.DONE]
    assert history[-1] == (130.0, JobState.DONE, "vm-1", "fine")


def test_a_move_is_guarded_by_state_and_vm(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """A report of the wrong VM, for a wrong state or an unknown job changes nothing."""
    (job,) = _submit(ledger, a_spec())
    with ledger.write() as tx:
        taken = tx.jobs.take(job.queue, "vm-1", 1, at=110.0)
        assert not tx.jobs.move(job.id, {JobState.MATCHED}, JobState.RUNNING, at=120.0, vm="vm-2")
        assert not tx.jobs.move(job.id, {JobState.RUNNING}, JobState.DONE, at=120.0)
        assert not tx.jobs.move(10**9, {JobState.MATCHED}, JobState.RUNNING, at=120.0)
        assert tx.jobs.get(job.id) == taken
        assert len(tx.jobs.history(job.id)) == 2


def test_a_requeued_job_waits_again_as_if_new(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """The attempt counts up, all that belongs to the lost run is cleared, and a Done job stays done."""
    (job,) = _submit(ledger, a_spec())
    with ledger.write() as tx:
        assert not tx.jobs.requeue(job.id, at=105.0, minor="it waits already")
        tx.jobs.take(job.queue, "vm-1", 1, at=110.0)
        tx.jobs.move(job.id, {JobState.MATCHED}, JobState.FAILED, at=120.0, exit_code=1, output="blob")
        assert tx.jobs.requeue(job.id, at=130.0, minor="VM died")
        assert tx.jobs.get(job.id) == replace(job, attempt=2, minor="VM died")
        tx.jobs.take(job.queue, "vm-2", 1, at=140.0)
        tx.jobs.move(job.id, {JobState.MATCHED}, JobState.DONE, at=150.0)
        assert not tx.jobs.requeue(job.id, at=160.0, minor="no")


def test_jobs_are_found_by_what_they_are(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """States, VO, VM and numbers select, in order of number; of more than the limit the newest."""
    first, second, third = _submit(ledger, a_spec(vo="v1"), a_spec(vo="v2"), a_spec(vo="v2"))
    with ledger.write() as tx:
        tx.jobs.take(second.queue, "vm-1", 1, at=110.0)
        found = {
            "state": tx.jobs.find(states={JobState.WAITING}),
            "vo": tx.jobs.find(vo="v2"),
            "vm": tx.jobs.find(vm="vm-1"),
            "ids": tx.jobs.find(ids={first.id, third.id}),
            "limit": tx.jobs.find(limit=1),
            "none": tx.jobs.find(ids=[]),
        }
    assert {key: [job.id for job in jobs] for key, jobs in found.items()} == {
        "state": [first.id, third.id],
        "vo": [second.id, third.id],
        "vm": [second.id],
        "ids": [first.id, third.id],
        "limit": [third.id],
        "none": [],
    }


def test_queues_of_one_vo(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """The queues of a VO are those of all, less the others'."""
    _submit(ledger, a_spec(vo="v1"), a_spec(vo="v2"), a_spec(vo="v2"))
    with ledger.read() as tx:
        assert [(queue.vo, queue.waiting) for queue in tx.jobs.queues(vo="v2")] == [("v2", 2)]
        assert sorted(queue.vo for queue in tx.jobs.queues()) == ["v1", "v2"]


def test_vos_with_waiting_jobs_are_known(ledger: SqlLedger, a_spec: Callable[..., JobSpec]) -> None:
    """One waiting job is enough; a VO whose last one was taken waits no more."""
    *_, taken = _submit(ledger, a_spec(vo="v1"), a_spec(vo="v1", owner="bob"), a_spec(vo="v2"))
    with ledger.write() as tx:
        assert tx.jobs.waiting_vos() == {"v1", "v2"}
        tx.jobs.take(taken.queue, "vm-1", 1, at=110.0)
        assert tx.jobs.waiting_vos() == {"v1"}
