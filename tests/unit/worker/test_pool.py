from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.model.fit import Wish
from vmdirac_py.worker.ce import MANY
from vmdirac_py.worker.pool import DoesNotFit, Free, Pool, RunsAlready
from vmdirac_py.worker.wire import Work


def work(job: int, cores: int = 1, ram_mb: int = 0, gpus: int = 0) -> Work:
    """Return a job of this size."""
    return Work(job, 1, cores, "x", "", "o", "e", False, [], {}, 0, ram_mb, gpus)


def pool(cores: int = 8, ram_mb: int = 8000, gpus: int = 1, max_slots: int = MANY) -> Pool:
    """Return an empty pool."""
    return Pool(Free(cores, ram_mb, gpus), max_slots)


def test_an_empty_node_wishes_in_the_order_of_dirac() -> None:
    """An empty node asks for whole-node jobs, then all free cores, then any multi-core job, then anything."""
    assert pool().wishes() == ["WholeNode", "nProcessors", "MultiProcessor", "any"]


def test_wishes_are_those_the_match_knows() -> None:
    """The worker's wishes are the values of `model.fit.Wish`, in its order."""
    assert pool().wishes() == [wish.value for wish in Wish]


def test_a_busy_node_does_not_ask_for_whole_node_jobs() -> None:
    """With a job running, a whole-node job is not asked for."""
    busy = pool()
    busy.take(work(1), 0.0)
    assert busy.wishes() == ["nProcessors", "MultiProcessor", "any"]


def test_one_free_core_asks_for_no_multi_core_job() -> None:
    """With one free core only single-core jobs make sense."""
    busy = pool(cores=2)
    busy.take(work(1), 0.0)
    assert busy.wishes() == ["any"]


def test_one_core_node_still_takes_whole_node_jobs() -> None:
    """An empty node of one core can serve a whole-node job."""
    assert pool(cores=1).wishes() == ["WholeNode", "any"]


def test_a_full_node_asks_for_nothing() -> None:
    """Without a free core there is nothing to wish for."""
    full = pool()
    full.take(work(1, cores=8), 0.0)
    assert full.wishes() == []


def test_without_pool_one_payload_fills_the_node() -> None:
    """With one slot, a single-core job leaves nothing free, and its end frees everything."""
    single = pool(max_slots=1)
    single.take(work(1), 0.0)
    assert (single.free, single.wishes()) == (Free(0, 0, 0), [])
    single.release(1)
    assert single.free == single.total


def test_wishes_are_not_shared() -> None:
    """Changing one answer changes no other (DIRAC's requests shared one list)."""
    node = pool()
    node.wishes().clear()
    assert len(node.wishes()) == 4


@pytest.mark.parametrize("size", [{"cores": 9}, {"ram_mb": 8001}, {"gpus": 2}, {"cores": 0}])
def test_a_job_that_is_too_large_is_refused(size: dict[str, int]) -> None:
    """A job larger than what is free in any one way is refused, and nothing is set aside."""
    node = pool()
    with pytest.raises(DoesNotFit):
        node.take(work(1, **size), 0.0)
    assert node.free == node.total


def test_the_same_job_twice_is_refused() -> None:
    """A job that runs here already is not taken a second time."""
    node = pool()
    node.take(work(1), 0.0)
    with pytest.raises(RunsAlready):
        node.take(work(1), 0.0)


sizes = st.tuples(st.integers(1, 10), st.integers(0, 5000), st.integers(0, 2))


@given(st.lists(st.one_of(sizes, st.integers(0, 20)), max_size=60), st.sampled_from([1, MANY]))
def test_never_over_allocates(steps: list[tuple[int, int, int] | int], max_slots: int) -> None:
    """Held and free never exceed the total, whatever comes and goes; WholeNode is wished for on an empty node only."""
    node, held = pool(max_slots=max_slots), dict[int, Work]()
    for number, step in enumerate(steps):
        if isinstance(step, int):
            node.release(step)
            held.pop(step, None)
        else:
            made = work(number, *step)
            try:
                node.take(made, 0.0)
                held[number] = made
            except DoesNotFit:
                assert any(w > f for w, f in zip(step, node.free, strict=True))
        assert min(node.free) >= 0
        assert len(held) <= max_slots
        assert sum(one.cores for one in held.values()) <= node.total.cores
        assert ("WholeNode" in node.wishes()) == (not held)
        assert {slot.job for slot in node.slots} == set(held)


def test_slots_have_the_lowest_free_number() -> None:
    """Numbers of slots, and so their unix users, are used again as soon as they are free."""
    made = pool()
    assert [made.take(work(job), 0.0).number for job in (1, 2, 3)] == [0, 1, 2]
    made.release(2)
    assert made.take(work(4), 0.0).number == 1


def test_gpus_belong_to_one_slot() -> None:
    """Each slot gets GPUs by their ids, which nobody else has; those given back are given again."""
    made = pool(gpus=3)
    assert made.take(work(1, gpus=2), 0.0).gpu_ids == [0, 1]
    assert made.take(work(2), 0.0).gpu_ids == []
    assert made.take(work(3, gpus=1), 0.0).gpu_ids == [2]
    made.release(1)
    assert made.take(work(4, gpus=1), 0.0).gpu_ids == [0]
