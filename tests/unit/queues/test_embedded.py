from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.clock import ManualClock
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.ledger.engine import SqlLedger, open_ledger
from vmdirac_py.model.fit import Offer, Wish, misfit
from vmdirac_py.model.job import JobSpec, JobState, Payload
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.queues.api import Lasts
from vmdirac_py.queues.embedded import EmbeddedQueue

ALL = tuple(Wish)


class Undo(Exception):
    """Leaves a transaction without keeping anything."""


def undo() -> NoReturn:
    """End the transaction."""
    raise Undo


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLedger]:
    """Open a ledger; the tests keep nothing in it."""
    opened = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db", ManualClock(), create=True)
    yield opened
    opened.close()


@contextmanager
def waiting(ledger: SqlLedger, *specs: tuple[JobSpec, float]) -> Iterator[Transaction]:
    """Begin a transaction with these jobs waiting since then, and undo it at the end."""
    with suppress(Undo), ledger.write() as tx:
        for spec, at in specs:
            tx.jobs.insert([spec], at=at)
        yield tx
        undo()


def job(name: str, *, priority: float = 1.0, at: float = 0.0, vo: str = "alpha", **shape: Any) -> tuple[JobSpec, float]:
    """Return a job and when it is submitted; each owner of its own, so that each is a queue of its own."""
    wanted = Shape(**{"cpu_seconds": 360} | shape)
    return JobSpec(name, vo, f"owner-of-{name}", f"{vo}_user", wanted, Payload("x"), priority=priority), at


def offer(cores: int = 4, *, free: int | None = None, vo: str = "alpha") -> Offer:
    """Return what a VM offers, with some cores free."""
    left = cores if free is None else free
    return Offer(vo, "S", Resources(cores, 4000), Resources(left, 4000), empty=left == cores)


def alike(_: TaskQueue) -> float:
    """Tell that all jobs last as long."""
    return 60.0


def match(tx: Transaction, free: Offer, wishes: tuple[Wish, ...] = ALL, lasts: Lasts = alike) -> tuple[str, int] | None:
    """Return the matched job's name and the cores it got."""
    found = EmbeddedQueue(cast("Any", None)).match(tx, "vm-1", free, wishes, at=9.0, lasts=lasts, hosts=list)
    return (found.job.spec.name, found.cores) if found else None


def test_demand_is_all_waiting_work(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Demand is every non-empty queue, complete, at the asked moment."""
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('own')}/ledger.db", ManualClock(), create=True)
    with ledger.write() as tx:
        tx.jobs.insert([job("one")[0], job("one")[0], job("two", vo="beta")[0]], at=3.0)
    demand = EmbeddedQueue(ledger).demand((), at=7.0)
    ledger.close()
    assert (demand.at, demand.complete, demand.source) == (7.0, True, "embedded")
    assert {(queue.vo, queue.waiting, queue.oldest) for queue in demand.queues} == {("alpha", 2, 3.0), ("beta", 1, 3.0)}


def test_match_is_written(ledger: SqlLedger) -> None:
    """A matched job is the VM's, with its cores, and waits no more."""
    with waiting(ledger, job("one", min_cores=2, max_cores=2)) as tx:
        found = EmbeddedQueue(ledger).match(tx, "vm-1", offer(), ALL, at=9.0, lasts=alike, hosts=list)
        assert found is not None
        stored = tx.jobs.get(found.job.id)
        assert stored is not None
        assert (stored.state, stored.vm, stored.cores, stored.matched_at) == (JobState.MATCHED, "vm-1", 2, 9.0)
        assert tx.jobs.queues() == []


def test_never_another_vo(ledger: SqlLedger) -> None:
    """A VM is never given another VO's job."""
    with waiting(ledger, job("foreign", vo="beta")) as tx:
        assert match(tx, offer()) is None


def test_wishes_in_order(ledger: SqlLedger) -> None:
    """An empty node takes a whole-node job first, then one for all its cores, then a multi-core one, then any."""
    four = job("four", min_cores=4, max_cores=4)
    two = job("two", min_cores=2, max_cores=2)
    with waiting(ledger, job("single", priority=9), two, four, job("whole", whole_node=True)) as tx:
        given = [match(tx, offer()) for _ in range(5)]
    assert given == [("whole", 4), ("four", 4), ("two", 2), ("single", 1), None]


def test_only_what_is_wished(ledger: SqlLedger) -> None:
    """A job of a kind the VM does not ask for stays."""
    with waiting(ledger, job("single")) as tx:
        assert match(tx, offer(), (Wish.WHOLE_NODE, Wish.ALL_FREE, Wish.MULTI)) is None


def test_whole_node_only_when_empty(ledger: SqlLedger) -> None:
    """A whole-node job does not go to a node where something runs."""
    with waiting(ledger, job("whole", whole_node=True)) as tx:
        assert match(tx, offer(free=3)) is None


def test_only_what_may_start(ledger: SqlLedger) -> None:
    """A job that fits but should not start there stays, however urgent it is, and the next one is given."""
    with waiting(ledger, job("long", priority=9, cpu_seconds=3600), job("short")) as tx:
        short = [match(tx, offer(), lasts=lambda one: None if one.shape.cpu_seconds == 3600 else 1.0) for _ in range(2)]
    assert short == [("short", 1), None]


def test_priority_then_age(ledger: SqlLedger) -> None:
    """Among equal wishes the higher priority goes first, then the longer waiting."""
    with waiting(ledger, job("new", at=5), job("old", at=2), job("urgent", at=9, priority=2)) as tx:
        assert [match(tx, offer()) for _ in range(3)] == [("urgent", 1), ("old", 1), ("new", 1)]


def test_the_longest_first_but_not_for_ever(ledger: SqlLedger) -> None:
    """Among equals what lasts longest goes first, and before it what has waited for a quarter of an hour."""
    waits = [job("short", at=5), job("long", at=6, cpu_seconds=3600), job("forgotten", at=-900)]
    with waiting(ledger, *waits) as tx:
        given = [match(tx, offer(), lasts=lambda queue: float(queue.shape.cpu_seconds)) for _ in range(3)]
    assert given == [("forgotten", 1), ("long", 1), ("short", 1)]


def test_as_many_cores_as_it_can_use(ledger: SqlLedger) -> None:
    """A job with a range of cores gets what is free, up to its maximum."""
    for most, cores in ((8, 5), (3, 3)):
        with waiting(ledger, job("q", min_cores=2, max_cores=most)) as tx:
            assert match(tx, offer(8, free=5)) == ("q", cores)


def test_queue_emptied_meanwhile(ledger: SqlLedger) -> None:
    """When the best queue was emptied after it was listed, the next one is tried."""
    with waiting(ledger, job("gone", priority=2), job("next")) as tx:
        listed = tx.jobs.queues()
        assert match(tx, offer()) == ("gone", 1)
        late = cast("Transaction", SimpleNamespace(jobs=SimpleNamespace(queues=lambda **_: listed, take=tx.jobs.take)))
        assert match(late, offer()) == ("next", 1)


SHAPES = st.builds(
    lambda least, more, whole: {"min_cores": least, "max_cores": least + more, "whole_node": whole},
    st.integers(1, 6), st.integers(0, 4), st.booleans(),
)  # fmt: skip


@given(shapes=st.lists(SHAPES, max_size=5), cores=st.integers(1, 8), free=st.integers(0, 8))
def test_a_match_fits(ledger: SqlLedger, shapes: list[dict[str, Any]], cores: int, free: int) -> None:
    """With all wishes, a job is given exactly when one fits, and never more cores than are free."""
    here = offer(cores, free=min(free, cores))
    with waiting(ledger, *(job(f"q{number}", **shape) for number, shape in enumerate(shapes))) as tx:
        queues: list[TaskQueue] = tx.jobs.queues()
        found = match(tx, here)
    assert (found is not None) == any(misfit(queue, here) is None for queue in queues)
    if found:
        assert found[1] <= here.free.cores
