from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.model.fit import Offer, Wish, misfit
from vmdirac_py.model.job import Job, JobSpec, JobState, Payload
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.queues.embedded import EmbeddedQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = tuple(Wish)


def offer(cores: int = 4, *, free: int | None = None, vo: str = "alpha") -> Offer:
    """Return what a VM offers, with some cores free."""
    left = cores if free is None else free
    return Offer(vo, "S", Resources(cores, 4000), Resources(left, 4000), empty=left == cores)


def queue(name: str, *, priority: float = 1.0, oldest: float = 0.0, vo: str = "alpha", **shape: Any) -> TaskQueue:
    """Return a task queue with one waiting job."""
    return TaskQueue(name, vo, "ada", f"{vo}_user", Shape(**{"cpu_seconds": 360} | shape), priority, 1, oldest)


class Jobs:
    """Queues in memory, each with as many jobs as it says; `emptied` were taken by somebody else meanwhile."""

    def __init__(self, queues: list[TaskQueue], emptied: tuple[str, ...] = ()) -> None:
        self.waiting = {queue.id: queue for queue in queues}
        self.emptied = emptied

    def queues(self) -> list[TaskQueue]:
        """Return the non-empty queues."""
        return list(self.waiting.values())

    def take(self, queue_id: str, vm: str, cores: int, *, at: float) -> Job | None:
        """Take one job."""
        queue = self.waiting.pop(queue_id)
        if queue_id in self.emptied:
            return None
        if queue.waiting > 1:
            self.waiting[queue_id] = replace(queue, waiting=queue.waiting - 1)
        spec = JobSpec(queue_id, queue.vo, queue.owner, queue.group, queue.shape, Payload("x"))
        return Job(1, spec, queue_id, JobState.MATCHED, 0.0, vm=vm, cores=cores, matched_at=at)


class Memory:
    """A ledger that knows jobs only."""

    def __init__(self, *queues: TaskQueue, emptied: tuple[str, ...] = ()) -> None:
        self.jobs = Jobs(list(queues), emptied)

    @contextmanager
    def read(self) -> Iterator[Any]:
        """Give a transaction."""
        yield SimpleNamespace(jobs=self.jobs)

    def match(self, free: Offer, wishes: tuple[Wish, ...] = ALL) -> tuple[str, int] | None:
        """Return the matched queue and the cores given."""
        tx = cast("Any", SimpleNamespace(jobs=self.jobs))
        match = EmbeddedQueue(cast("Any", self)).match(tx, "vm-1", free, wishes, at=1.0)
        return (match.job.queue, match.cores) if match else None


def test_demand_is_all_waiting_work() -> None:
    """Demand is every non-empty queue, complete, at the asked moment."""
    one, two = queue("one"), queue("two", vo="beta")
    demand = EmbeddedQueue(cast("Any", Memory(one, two))).demand((), at=7.0)
    assert (demand.at, demand.complete, set(demand.queues)) == (7.0, True, {one, two})


def test_never_another_vo() -> None:
    """A VM is never given another VO's job."""
    assert Memory(queue("q", vo="beta")).match(offer()) is None


def test_wishes_in_order() -> None:
    """An empty node takes a whole-node job first, then one for all its cores, then a multi-core one, then any."""
    memory = Memory(
        queue("single", priority=9),
        queue("two", min_cores=2, max_cores=2),
        queue("four", min_cores=4, max_cores=4),
        queue("whole", whole_node=True),
    )
    assert [memory.match(offer()) for _ in range(5)] == [("whole", 4), ("four", 4), ("two", 2), ("single", 1), None]


def test_only_what_is_wished() -> None:
    """A job of a kind the VM does not ask for stays."""
    assert Memory(queue("single")).match(offer(), (Wish.WHOLE_NODE, Wish.ALL_FREE, Wish.MULTI)) is None


def test_whole_node_only_when_empty() -> None:
    """A whole-node job does not go to a node where something runs."""
    assert Memory(queue("whole", whole_node=True)).match(offer(free=3)) is None


def test_priority_then_age() -> None:
    """Among equal wishes the higher priority goes first, then the longer waiting."""
    memory = Memory(queue("new", oldest=5), queue("old", oldest=2), queue("urgent", oldest=9, priority=2))
    assert [memory.match(offer()) for _ in range(3)] == [("urgent", 1), ("old", 1), ("new", 1)]


def test_as_many_cores_as_it_can_use() -> None:
    """A job with a range of cores gets what is free, up to its maximum."""
    assert Memory(queue("q", min_cores=2, max_cores=8)).match(offer(8, free=5)) == ("q", 5)
    assert Memory(queue("q", min_cores=2, max_cores=3)).match(offer(8, free=5)) == ("q", 3)


def test_queue_emptied_meanwhile() -> None:
    """When the best queue was just emptied, the next one is tried."""
    assert Memory(queue("gone", priority=2), queue("next"), emptied=("gone",)).match(offer()) == ("next", 1)


SHAPES = st.builds(
    lambda least, more, whole: {"min_cores": least, "max_cores": least + more, "whole_node": whole},
    st.integers(1, 6), st.integers(0, 4), st.booleans(),
)  # fmt: skip


@given(st.lists(SHAPES, max_size=5), st.integers(1, 8), st.integers(0, 8))
def test_a_match_fits(shapes: list[dict[str, Any]], cores: int, free: int) -> None:
    """With all wishes, a job is given exactly when one fits, and never more cores than are free."""
    queues = [queue(f"q{number}", **shape) for number, shape in enumerate(shapes)]
    here = offer(cores, free=min(free, cores))
    match = Memory(*queues).match(here)
    assert (match is not None) == any(misfit(queue, here) is None for queue in queues)
    if match:
        assert match[1] <= here.free.cores
