"""What is learned of how long payloads run."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.plan import Finished
from vmdirac_py.model.vm import Run
from vmdirac_py.planner.lengths import REFRESH, Lengths, learn
from vmdirac_py.planner.lifetable import EDGES, bin_of
from vmdirac_py.planner.memory import Memory, learned

AT = 1_800_000_000.0
DAY = 86_400
REQUESTS = st.sampled_from((360, 3600, DAY, 1_080_000))


def ended(number: int, seconds: float, *, owner: str = "ann", cpu_seconds: int = DAY, first: int = 1) -> list[Finished]:
    """Payloads of VO `vo` that ran so long."""
    return [Finished(first + n, "vo", owner, "vo_user", seconds, cpu_seconds) for n in range(number)]


FINISHED = st.lists(st.builds(
    Finished, st.integers(1, 99), st.just("vo"), st.sampled_from(("ann", "bob")), st.just("vo_user"),
    st.floats(0.0, 1e6), REQUESTS,
))  # fmt: skip


@given(FINISHED)
def test_what_ended_is_learned_once(finished: list[Finished]) -> None:
    """However often it is shown."""
    once = learned(Memory(), finished, (), AT)
    assert learned(once, finished, (), AT) == once


@given(FINISHED, REQUESTS, st.sampled_from(("ann", "bob", "cid")))
def test_nobody_is_expected_to_run_longer_than_he_asked(finished: list[Finished], asked: int, owner: str) -> None:
    """Not a second while nothing is learned, and afterwards to the precision of the bins."""
    assert 0.0 < Lengths().expected("vo", owner, asked) <= asked
    assert 0.0 < learn(Lengths(), finished, (), AT).expected("vo", owner, asked) <= EDGES[bin_of(asked) + 1]


@given(FINISHED, REQUESTS, st.floats(0.0, 1e7))
def test_what_is_left_is_never_negative(finished: list[Finished], asked: int, age: float) -> None:
    """Also of payloads older than any seen, or than they may become."""
    assert learn(Lengths(), finished, (), AT).of("vo", "ann", asked).remaining(age) >= 0.0


def test_a_kind_that_was_never_seen_leans_on_the_wider_one() -> None:
    """An owner's jobs of another request look like his others, a new owner's like his VO's; other VOs' tell nothing."""
    lengths = learn(Lengths(), ended(200, 100.0), (), AT)
    asked = 10 * DAY
    assert lengths.expected("vo", "ann", asked) < lengths.expected("vo", "bob", asked) < asked / 20
    assert lengths.expected("other", "ann", asked) == Lengths().expected("other", "ann", asked)


def test_the_narrower_kind_counts_more() -> None:
    """Where an owner's long jobs are known, his short ones of another request do not hide them."""
    finished = [*ended(90, 60.0), *ended(90, 40_000.0, cpu_seconds=2 * DAY, first=91)]
    lengths = learn(Lengths(), finished, (), AT)
    assert lengths.expected("vo", "ann", DAY) < 2_000.0
    assert lengths.expected("vo", "ann", 2 * DAY) > 20_000.0


def test_what_runs_on_is_seen(build: Any) -> None:
    """Payloads that have run for hours raise the expectation before one of them has ended."""
    vm = build.vm(build.pool())
    runs = tuple(Run("ann", "vo_user", AT - 30_000.0, 1, DAY) for _ in range(8))
    short = ended(8, 60.0)
    alone = learn(Lengths(), short, (), AT)
    beside = learn(Lengths(), short, [replace(vm, runs=runs, busy_slots=8)], AT)
    assert beside.expected("vo", "ann", DAY) > 2 * alone.expected("vo", "ann", DAY)


def test_expectations_stand_between_two_looks() -> None:
    """What ends meanwhile waits for the next look, and is not lost."""
    first = learn(Lengths(), ended(20, 100.0), (), AT)
    more = learn(first, ended(20, 20_000.0, first=21), (), AT + REFRESH - 1)
    assert more.expected("vo", "ann", DAY) == first.expected("vo", "ann", DAY)
    later = learn(more, (), (), AT + REFRESH)
    assert later.expected("vo", "ann", DAY) > 5 * first.expected("vo", "ann", DAY)
    assert not later.fresh


def test_the_old_fades() -> None:
    """Who sends other jobs now is believed soon."""
    changed = learn(learn(Lengths(), ended(300, 50_000.0), (), AT), ended(300, 100.0, first=301), (), AT + REFRESH)
    assert changed.expected("vo", "ann", DAY) < 5_000.0
