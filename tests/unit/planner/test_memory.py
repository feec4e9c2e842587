import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Outcome
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.resources import Resources
from vmdirac_py.planner.codec import memory_from_plain, memory_to_plain
from vmdirac_py.planner.memory import Memory, fold, pool_key

POOLS = {name: Pool(name, "e1", "vo", "SITE", name, "i", Resources(8)) for name in ("p1", "p2")}

OUTCOMES = st.lists(
    st.builds(
        Outcome,
        seq=st.integers(1, 50),
        at=st.floats(0, 5000),
        endpoint=st.sampled_from(("e1", "e2")),
        pool=st.sampled_from(("p1", "p2")),
        launched=st.integers(0, 3),
        refused=st.integers(0, 3),
        error_class=st.one_of(st.none(), st.sampled_from(ErrorClass)),
        booted=st.booleans(),
        shapes=st.sampled_from(((), (), (Shape().fingerprint,))),
    ),
    unique_by=lambda outcome: outcome.seq,
)


@given(OUTCOMES)
def test_memory_survives_json(outcomes: list[Outcome]) -> None:
    """What is loaded is what was saved."""
    memory = fold(Memory(), outcomes, POOLS)
    assert memory_from_plain(json.loads(json.dumps(memory_to_plain(memory)))) == memory


@given(OUTCOMES)
def test_folding_again_changes_nothing(outcomes: list[Outcome]) -> None:
    """Outcomes are counted once, in the ledger's order, however they are shown."""
    memory = fold(Memory(), outcomes, POOLS)
    assert fold(memory, outcomes, POOLS) == memory
    assert fold(Memory(), reversed(outcomes), POOLS) == memory


def test_nothing_saved_yet_is_an_empty_memory() -> None:
    """The first step of an installation remembers nothing."""
    assert memory_from_plain(None) == Memory()


@pytest.mark.parametrize(
    "document", [{"version": 2}, {}, {"version": 1, "outcome_seq": -1}, {"version": 1, "endpoints": 3}]
)
def test_an_unreadable_memory_is_refused(document: dict[str, Any]) -> None:
    """A memory of another version or shape is told, not guessed at."""
    with pytest.raises(BadInput, match="memory"):
        memory_from_plain(document)


REFUSED = Outcome(1, 1000.0, "e1", "p1", 0, 1, ErrorClass.BAD_REQUEST)
UNMATCHED = Outcome(1, 1000.0, "e1", "p1", 0, 1, ErrorClass.NO_MATCH, booted=True, shapes=(Shape().fingerprint,))


def test_a_renamed_pool_keeps_its_failures() -> None:
    """What the cloud was asked for is remembered, not under which name; another image is another matter."""
    memory = fold(Memory(), [REFUSED], POOLS)
    assert memory.pool(replace(POOLS["p1"], name="new")).failures == 1
    assert memory.pool(replace(POOLS["p1"], image="mended")).failures == 0
    assert list(memory.pools) == ["e1/p1/i/vo"]


def test_slashes_do_not_mix_up_pools() -> None:
    """A flavor `a/b` with image `c` is not flavor `a` with image `b/c`."""
    pool = POOLS["p1"]
    assert pool_key(replace(pool, flavor="a/b", image="c")) != pool_key(replace(pool, flavor="a", image="b/c"))


def test_what_a_lost_pool_did_counts_for_its_endpoint() -> None:
    """An outcome of a pool that left the inventory is not dropped."""
    memory = fold(Memory(), [replace(REFUSED, error_class=ErrorClass.UNAVAILABLE)], {})
    assert memory.endpoint("e1").failures == 1


def test_jobs_that_found_no_match_are_refused_there_alone() -> None:
    """A VM without a payload shuts its pool for that shape, not for others, and not its endpoint."""
    memory, pool = fold(Memory(), [UNMATCHED], POOLS), POOLS["p1"]
    reason = memory.refuses(pool, Shape(), 1200.0)
    assert reason
    assert (reason.code, reason.as_dict["error"], reason.as_dict["until"]) == ("budget.backoff", "no_match", 1300)
    assert memory.refuses(pool, Shape(2, 2), 1200.0) is None
    assert memory.refuses(POOLS["p2"], Shape(), 1200.0) is None
    assert memory.refuses(pool, Shape(), 1300.0) is None
    assert (memory.endpoints, memory.pools, memory.paces) == ({}, {}, {})


def test_a_payload_of_the_shape_clears_it() -> None:
    """One job that matched shows that such jobs do; a VM that merely runs does not."""
    ran = Outcome(2, 1100.0, "e1", "p1", 1, 0, None, booted=True)
    memory = fold(Memory(), [UNMATCHED, ran], POOLS)
    assert memory.refuses(POOLS["p1"], Shape(), 1200.0)
    matched = replace(ran, seq=3, at=1400.0, shapes=(Shape().fingerprint,))
    assert fold(memory, [matched], POOLS).no_match == {}


def test_no_match_backs_off_up_to_half_an_hour() -> None:
    """300, 600, 1200, 1800 s."""
    memory, at, waits = Memory(), 1000.0, []
    for seq in range(1, 6):
        memory = fold(memory, [replace(UNMATCHED, seq=seq, at=at)], POOLS)
        (budget,) = memory.no_match.values()
        waits.append(budget.not_before - at)
        at = budget.not_before
    assert waits == [300.0, 600.0, 1200.0, 1800.0, 1800.0]
