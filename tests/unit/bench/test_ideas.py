"""What production is replayed without."""

from __future__ import annotations

import pytest

from tests.bench.contest import Entry, run
from tests.bench.ideas import HOLDS, IDEAS, holding, without
from vmdirac_py.model import queue
from vmdirac_py.planner import ends, groups, hold, planning, pricing
from vmdirac_py.planner.lengths import Lengths
from vmdirac_py.replay.rules import Production


def constants() -> tuple[object, ...]:
    """Everything that ideas change."""
    about = vars(Production).get("prefers"), vars(Production).get("cycle_seconds")
    waits = hold.FOR_CORES, hold.FOR_COMPANY, groups.REOPEN_AFTER, queue.LONG_WAIT
    return ends.WASTE, planning.BAND, pricing.WASTED_PER_DOUBLING, pricing.AT_FIRST, Lengths.of, *waits, *about


@pytest.mark.parametrize("idea", [idea for idea in IDEAS if idea])
def test_an_idea_is_left_out_and_comes_back(idea: str) -> None:
    """Each changes something of the planner as it is, and nothing once it is over."""
    before = constants()
    with without(idea):
        assert constants() != before
    assert constants() == before


@pytest.mark.parametrize("idea", ["VMs take whatever fits", "lengths as asked, none learned", holding(max(HOLDS))])
def test_what_is_left_out_is_missed(idea: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay without it comes to something else than production."""
    monkeypatch.delenv("VMDIRAC_TRACE", raising=False)
    told = ("pay", "wait", "vms")
    ours, without_it = (run(Entry(Production.name, "a", idea=one, jobs=800)) for one in ("", idea))
    assert [ours[name] for name in told] != [without_it[name] for name in told]
