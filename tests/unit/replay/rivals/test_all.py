"""What is true of all rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.replays import inventory, job, pool, run, trace
from vmdirac_py.model.plan import Action
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.words import WORDS, words
from vmdirac_py.replay.rivals import RIVALS, Static
from vmdirac_py.replay.rivals.tardis import Tardis
from vmdirac_py.replay.run import replay
from vmdirac_py.replay.scenario import Scenario

from .conftest import Site

MEAN = {"vo": 10.0, "other": 10.0}


def tuned(rival: Any) -> Iterator[Any]:
    """All settings of a rule."""
    return rival.settings(MEAN) if rival is Static else rival.settings()


ALL = [pytest.param(rule, id=f"{rule.name}-{place}") for rival in RIVALS for place, rule in enumerate(tuned(rival))]
LOOKING = [rule for rule in ALL if not isinstance(rule.values[0], Tardis | Static)]
"""Rules that look at the queue."""
JOBS = st.lists(
    st.builds(
        job,
        st.just(0),
        st.floats(0, 7200),
        st.floats(0, 7200),
        vo=st.sampled_from(("vo", "other")),
        min_cores=st.sampled_from((1, 1, 3, 8)),
        ram_mb=st.sampled_from((0, 4000)),
    ),
    max_size=30,
)
POOLS = [pool(), pool("small", 2), pool("theirs", 8, vo="other")]


def test_all_are_tuned_over_as_many_settings() -> None:
    """Six different settings for each rule."""
    assert [len({rule.setting for rule in tuned(rival)}) for rival in RIVALS] == [6] * len(RIVALS)


@pytest.mark.parametrize("rule", ALL)
def test_the_same_replay_gives_the_same_result(rule: Any) -> None:
    """A rule has no state of its own: replayed twice it decides alike."""
    jobs = [job(n, at=n * 40.0, seconds=200.0 + n * 30 % 1700) for n in range(60)]
    assert run(jobs, [pool()], rule) == run(jobs, [pool()], rule)


@pytest.mark.parametrize("rival", RIVALS)
@settings(max_examples=15, deadline=None)
@given(found=JOBS, place=st.integers(0, 5))
def test_every_job_runs_within_the_limits(rival: Any, place: int, found: list[Any]) -> None:
    """Whatever comes, all jobs run, no limit is exceeded, and no VO is given what it has not paid for."""
    rule = list(tuned(rival))[place]
    jobs = [
        job(n, one.at, one.seconds, vo=one.vo, min_cores=one.shape.min_cores, ram_mb=one.shape.ram_mb)
        for n, one in enumerate(sorted(found, key=lambda one: one.at))
    ]
    result = replay(trace(*jobs), inventory(*POOLS, max_vms=20), rule=rule, scenario=Scenario(), seed=1)
    assert result.unserved == 0
    assert result.peak_vms <= 20
    assert all(vo.paid_core_seconds >= vo.used_core_seconds for vo in result.vos)


@pytest.mark.parametrize("rule", LOOKING)
def test_nothing_is_launched_for_another_vos_jobs(rule: Any, site: type[Site]) -> None:
    """Only the pools of the VO whose jobs wait are launched, and the other's VMs boot in nobody's way."""
    one = site(rule, inventory(pool(), pool("theirs", vo="other")))
    one.fleet += [one.vm(one.of.pools["theirs"], one.becomes, n) for n in range(50)]
    one.wait(8)
    assert {found.vo for found in one.cycle().decisions} == {"vo"}


@pytest.mark.parametrize("rule", LOOKING)
@pytest.mark.parametrize("shape", [{"min_cores": 9}, {"ram_mb": 99_000}, {"gpus": 1}, {"tags": ("fast",)}])
def test_nothing_is_launched_for_jobs_that_fit_nowhere(rule: Any, site: type[Site], shape: dict[str, Any]) -> None:
    """Cores, memory, GPUs and tags that no pool has are asked of none."""
    one = site(rule, inventory(pool()))
    one.wait(50, **shape)
    assert one.cycle().decisions == ()


@pytest.mark.parametrize("rule", LOOKING)
def test_jobs_with_a_gpu_get_vms_with_one(rule: Any, site: type[Site]) -> None:
    """Of two pools only the one with GPUs is launched for them."""
    one = site(rule, inventory(pool(), pool("gpu", resources=Resources(8, 16_000, 2))))
    one.wait(3, gpus=1)
    assert {found.pool for found in one.cycle().decisions} == {"gpu"}


@pytest.mark.parametrize("rule", ALL)
def test_every_decision_has_words(rule: Any, site: type[Site]) -> None:
    """What a rule says can be read."""
    one = site(rule, inventory(pool()))
    one.wait(8)
    for decision in one.cycle().decisions:
        assert decision.action is Action.LAUNCH
        assert rule.name in words(decision.reason)
    assert Reason.of("rival.drain").code in WORDS
