from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.replays import job, pool, run
from vmdirac_py.replay.api import Result, VoResult
from vmdirac_py.replay.gate import HOUR, Margins, failures, measured

OLD = run([job(1), job(2, vo="bio")], [pool(price=1.0), pool("b", vo="bio", price=1.0)])
WIDE = Margins(cost_rise=9.0, paid_rise=9.0, wait_rise=1e9, vo_wait_rise=1e9, unserved_rise=1000)


def judged(new: Result, margins: Margins | None = None, old: Result = OLD) -> tuple[str, ...]:
    """What the gate says."""
    return failures(measured(old, new, margins or Margins()))


def with_wait(vo: str, seconds: float) -> Result:
    """A result in which one VO waited longer."""
    vos = tuple(replace(one, wait_mean=one.wait_mean + seconds) if one.vo == vo else one for one in OLD.vos)
    return replace(OLD, vos=vos)


def test_the_same_passes_without_any_margin() -> None:
    """A gate of no margins is open for what changes nothing."""
    assert judged(OLD, Margins(0.0, 0.0, 0.0, 0.0, 0)) == ()


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (replace(OLD, cost=OLD.cost * 1.08), "the cost rises by 8 %"),
        (replace(OLD, paid_core_seconds=OLD.paid_core_seconds + 9 * HOUR), "what is paid rises by"),
        (replace(OLD, wait_mean=OLD.wait_mean + 40.0), "the mean wait rises by 40 s"),
        (with_wait("bio", 150.0), "the mean wait of VO bio rises by 150 s"),
        (replace(OLD, unserved=2), "the number of jobs that never ran rises by 2, from 0 to 2"),
    ],
)
def test_what_is_worse_is_said(new: Result, told: str) -> None:
    """One sentence says what exceeds its margin; a wide margin lets it pass."""
    (sentence,) = judged(new)
    assert sentence.startswith(told)
    assert judged(new, WIDE) == ()


def test_the_sentence_says_by_how_much() -> None:
    """Old and new value, what is allowed, and how much more it is."""
    (sentence,) = judged(replace(OLD, cost=108.0), old=replace(OLD, cost=100.0))
    assert sentence == "the cost rises by 8 %, from 100 to 108; 5 % is allowed, this is 3 % more"


def test_prices_of_zero_hide_nothing() -> None:
    """Where nothing costs, core-hours still count; a cost where there was none fails, in words."""
    free = replace(OLD, cost=0.0)
    dearer = replace(free, paid_core_seconds=2 * free.paid_core_seconds)
    assert [one.split(" rises")[0] for one in judged(dearer, old=free)] == ["what is paid"]
    (sentence,) = judged(replace(OLD, cost=3.0), WIDE, old=free)
    assert sentence == "the cost rises from nothing to 3; 900 % is allowed"


def test_a_vo_that_ran_with_one_alone_is_not_compared() -> None:
    """A wait that there was not cannot rise; its jobs count as never run."""
    lost = tuple(replace(one, jobs=0, wait_mean=0.0) if one.vo == "bio" else one for one in OLD.vos)
    new = (VoResult("new", 1, 1.0, 1.0, 1e6, 1e6, 0.0, 1),)
    assert judged(replace(OLD, vos=(*lost, *new))) == ()


@given(st.floats(0.0, 10.0), st.floats(0.0, 10.0), st.floats(0.0, 1.0))
def test_a_rise_fails_beyond_its_margin_alone(before: float, after: float, margin: float) -> None:
    """Whatever the numbers, what costs no more than the margin allows passes, and nothing else."""
    old, new = replace(OLD, cost=before), replace(OLD, cost=after)
    rise = after / before - 1.0 if before else (inf if after else 0.0)
    if abs(rise - margin) > 1e-6:
        assert bool(judged(new, replace(WIDE, cost_rise=margin), old)) == (rise > margin)
