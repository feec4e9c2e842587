import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.plan import Outcome
from vmdirac_py.planner.codec import memory_from_json, memory_to_json
from vmdirac_py.planner.memory import Memory, fold

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
    ),
    unique_by=lambda outcome: outcome.seq,
)


@given(OUTCOMES)
def test_memory_survives_json(outcomes: list[Outcome]) -> None:
    """What is loaded is what was saved."""
    memory = fold(Memory(), outcomes)
    assert memory_from_json(memory_to_json(memory)) == memory


@given(OUTCOMES)
def test_folding_again_changes_nothing(outcomes: list[Outcome]) -> None:
    """Outcomes are counted once, in the ledger's order, however they are shown."""
    memory = fold(Memory(), outcomes)
    assert fold(memory, outcomes) == memory
    assert fold(Memory(), reversed(outcomes)) == memory


@pytest.mark.parametrize(
    "document", [{"version": 2}, {}, {"version": 1, "outcome_seq": -1}, {"version": 1, "endpoints": 3}]
)
def test_an_unreadable_memory_is_refused(document: dict[str, Any]) -> None:
    """A memory of another version or shape is told, not guessed at."""
    with pytest.raises(BadInput, match="memory"):
        memory_from_json(json.dumps(document).encode())
