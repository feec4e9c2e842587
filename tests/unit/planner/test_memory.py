import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Finished, Outcome
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.resources import Resources
from vmdirac_py.planner.codec import memory_from_json, memory_to_json
from vmdirac_py.planner.memory import Memory, fold, learned

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
        seconds=st.floats(0, 900),
        shapes=st.sampled_from(((), (), (Shape().fingerprint,))),
    ),
    unique_by=lambda outcome: outcome.seq,
)


@given(OUTCOMES)
def test_memory_survives_json(outcomes: list[Outcome]) -> None:
    """What is loaded is what was saved."""
    memory = fold(Memory(), outcomes, POOLS)
    assert memory_from_json(memory_to_json(memory)) == memory


@given(OUTCOMES)
def test_folding_again_changes_nothing(outcomes: list[Outcome]) -> None:
    """Outcomes are counted once, in the ledger's order, however they are shown."""
    memory = fold(Memory(), outcomes, POOLS)
    assert fold(memory, outcomes, POOLS) == memory
    assert fold(Memory(), reversed(outcomes), POOLS) == memory


def test_finished_payloads_are_learned_once() -> None:
    """Up to the newest one seen, whatever outcomes were folded in before or after."""
    told = [Finished(seq, "vo", "ann", "g", 10.0, 360) for seq in (7, 9, 8)]
    memory = fold(learned(Memory(), told, (), 99.0), [Outcome(3, 1.0, "e", "p", 0, 1, ErrorClass.QUOTA)], {})
    assert (memory.finished_seq, memory.outcome_seq) == (9, 3)
    assert learned(memory, told[:1], (), 99.0) == memory


@pytest.mark.parametrize(
    "document", [{"version": 2}, {}, {"version": 1, "outcome_seq": -1}, {"version": 1, "endpoints": 3}]
)
def test_an_unreadable_memory_is_refused(document: dict[str, Any]) -> None:
    """A memory of another version or shape is told, not guessed at."""
    with pytest.raises(BadInput, match="memory"):
        memory_from_json(json.dumps(document).encode())
