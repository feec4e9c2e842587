from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.replays import Watching, inventory, job, pool, run, trace
from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.replay.rules import Production
from vmdirac_py.replay.run import replay
from vmdirac_py.replay.scenario import Boot, Foreign, Quota, Scenario, Slow, Spot, Trouble

HOUR = 3600.0


def test_eighty_jobs_give_ten_vms() -> None:
    """80 one-core jobs on 8-core VMs are ten VMs, not 80 and not one more each cycle."""
    result = run([job(n) for n in range(80)], [pool()])
    assert (result.vms_started, result.peak_cores, result.unserved) == (10, 80, 0)


def test_paid_is_from_acceptance_until_gone() -> None:
    """One job on one VM is paid for: boot, run, idle time and termination, times all cores."""
    result = run([job(1, seconds=1000.0)], [pool(cores=4, price=0.5, idle_seconds=600.0)], boot=Boot(200.0))
    seconds = 200.0 + 1000.0 + 600.0 + 15.0
    assert result.paid_core_seconds == pytest.approx(4 * seconds, abs=0.1)
    assert result.cost == pytest.approx(0.5 * seconds / HOUR, abs=1e-4)
    assert result.used_core_seconds == 1000.0


def test_wait_is_what_acting_and_booting_take() -> None:
    """The first job of a VO waits for plan, run, create call and boot; only what exceeds the boot is excess."""
    result = run([job(1)], [pool()], boot=Boot(200.0), act_seconds=2.0, create_seconds=3.0)
    assert result.wait_mean == pytest.approx(205.2, abs=0.5)
    assert result.excess_mean == pytest.approx(5.2, abs=0.5)


def test_a_moldable_job_does_the_same_work_in_less_time() -> None:
    """A job given more cores than it needs ends sooner; what is used is the trace's, whatever the rule."""
    result = run([job(1, seconds=800.0, min_cores=1, max_cores=4)], [pool(idle_seconds=0.0)], boot=Boot(100.0))
    assert result.used_core_seconds == 800.0
    assert result.paid_core_seconds == pytest.approx(8 * (100.0 + 200.0 + 15.0), abs=0.1)


def test_a_job_no_pool_can_serve_is_unserved() -> None:
    """A replay ends although a job can never run, and says why; the others run."""
    result = run([job(1, min_cores=64), job(2)], [pool()])
    assert (result.unserved, result.vms_started) == (1, 1)
    assert result.reasons["unserved.no_pool"] > 0


def test_a_vo_without_pool_is_unserved() -> None:
    """Jobs of a VO that has no pool never run anywhere."""
    result = run([job(1, vo="other")], [pool()])
    assert (result.unserved, result.vms_started, result.seconds) == (1, 0, pytest.approx(86400.0, abs=120.0))


def test_jobs_of_no_length_run() -> None:
    """Zero-length jobs start and end at one moment, and nothing divides by their work."""
    result = run([job(n, seconds=0.0) for n in range(20)], [pool()])
    assert (result.unserved, result.used_core_seconds, result.paid_per_used) == (0, 0.0, 0.0)


def test_an_empty_trace_costs_nothing() -> None:
    """Without jobs there is nothing to plan or pay."""
    result = run([], [pool(min_vms=1)])
    assert (result.plans, result.paid_core_seconds, result.series.at) == (0, 0.0, ())


def test_a_quiet_night_is_not_planned() -> None:
    """Where nothing waits and nothing lives no plan is made, however long it lasts."""
    near = run([job(1), job(2, at=10 * HOUR)], [pool()])
    far = run([job(1), job(2, at=1000 * HOUR)], [pool()])
    assert far.plans <= near.plans + 1


def test_something_alive_is_planned_each_minute() -> None:
    """While a VM lives a plan is made at least each 60 s, although nothing happens."""
    rule = Watching()
    run([job(1, seconds=2 * HOUR)], [pool()], rule)
    moments = [snapshot.at for snapshot in rule.seen]
    assert max(b - a for a, b in pairwise(moments)) == pytest.approx(60.0)
    assert len(moments) > 120


def test_a_quota_is_never_exceeded() -> None:
    """Neither a quota in cores, with foreign use that comes and goes, nor the jobs that wait for it break anything."""
    quota = Quota(max_cores=40, foreign=(Foreign(HOUR, cores=24), Foreign(5 * HOUR)))
    rule = Watching()
    result = run([job(n, at=n * 60.0) for n in range(200)], [pool()], rule, quotas={"e": quota})
    assert (result.unserved, result.peak_cores) == (0, 40)
    assert rule.seen[-1].endpoints[0].max_cores == 40


def test_quota_that_is_not_told_in_time_is_refused_by_the_cloud() -> None:
    """Foreign use that appears between two listings costs a refusal, and everything runs in the end."""
    quota = Quota(max_vms=4, foreign=(Foreign(1.0, vms=3), Foreign(HOUR)))
    result = run([job(n) for n in range(32)], [pool()], quotas={"e": quota})
    assert (result.unserved, result.peak_vms) == (0, 4)


def test_a_dark_cloud_sees_one_create_call_a_minute() -> None:
    """Six hours without an answer cost at most a call a minute over all pools; afterwards everything runs."""
    jobs = [job(n, vo=f"vo{n % 5}", at=n * 30.0) for n in range(100)]
    pools = [pool(f"p{n}", vo=f"vo{n}") for n in range(5)]
    dark = Trouble(error=ErrorClass.UNAVAILABLE, end=6 * HOUR)
    alone = run(jobs, pools)
    result = run(jobs, pools, troubles=(dark,))
    assert result.unserved == 0
    assert result.calls["launch"] - alone.calls["launch"] <= 6 * 60


def test_a_cloud_that_stays_dark_ends_the_replay() -> None:
    """Where no VM is ever given the jobs are unserved and nothing is paid."""
    result = run([job(1)], [pool()], troubles=(Trouble(error=ErrorClass.UNAVAILABLE),))
    assert (result.unserved, result.vms_started, result.paid_core_seconds) == (1, 0, 0.0)


def test_a_lost_answer_is_found_by_a_listing() -> None:
    """VMs whose create call was not answered run jobs once they boot: none is asked for twice."""
    lost = Trouble(error=ErrorClass.LOST, end=60.0)
    result = run([job(n) for n in range(16)], [pool()], troubles=(lost,))
    assert (result.vms_started, result.calls["launch"], result.unserved) == (2, 1, 0)


def test_a_slow_cloud_makes_jobs_wait() -> None:
    """Create calls that take longer are waited for."""
    calm = run([job(1)], [pool()], create_seconds=1.0)
    slow = run([job(1)], [pool()], create_seconds=1.0, slow=(Slow(factor=100.0, end=60.0),))
    assert slow.wait_mean - calm.wait_mean == pytest.approx(99.0, abs=0.1)


def test_dead_vms_restart_their_jobs() -> None:
    """Jobs of a VM that dies wait again and are done in the end; their VMs are counted as lost."""
    result = run([job(n, seconds=HOUR) for n in range(64)], [pool()], deaths_per_hour=0.5, max_attempts=1000)
    assert (result.unserved, result.used_core_seconds) == (0, 64 * HOUR)
    assert result.vms_lost > 0
    assert result.jobs_restarted > 0


def test_a_job_is_not_started_for_ever() -> None:
    """A job whose VMs die too often is given up after the attempts it has."""
    result = run([job(1, seconds=100 * HOUR)], [pool()], deaths_per_hour=10.0, max_attempts=3)
    assert (result.unserved, result.jobs_restarted, result.used_core_seconds) == (1, 2, 0.0)


def test_spot_vms_drain_when_told() -> None:
    """A VM the cloud takes back takes no more jobs after its notice, so that short jobs are not lost with it."""
    jobs = [job(n, at=n * 30.0, seconds=60.0) for n in range(1000)]
    spot = Spot(interruptions_per_hour=4.0, notice_seconds=120.0)
    warned = run(jobs, [pool()], spots={"p": spot}, max_attempts=100)
    unwarned = run(jobs, [pool()], spots={"p": Spot(4.0, 0.0)}, max_attempts=100)
    assert warned.unserved == unwarned.unserved == 0
    assert warned.jobs_restarted == 0 < unwarned.jobs_restarted


def test_stillborn_vms_are_cleaned_up() -> None:
    """VMs that never enrol fail at their boot deadline, are terminated, and are paid for until then."""
    result = run([job(n, seconds=60.0) for n in range(8)], [pool()], stillborn_share=0.5, seed=3)
    assert result.unserved == 0
    assert result.calls["terminate"] >= 1
    assert result.vms_started > 1


def test_a_warm_pool_keeps_its_vms_until_the_trace_ends() -> None:
    """`min_vms` holds an idle VM between two jobs, but not when nothing is left to come."""
    warm = run([job(1, seconds=60.0), job(2, at=5 * HOUR, seconds=60.0)], [pool(min_vms=1)])
    cold = run([job(1, seconds=60.0), job(2, at=5 * HOUR, seconds=60.0)], [pool()])
    assert (warm.vms_started, cold.vms_started) == (1, 2)
    assert warm.seconds < 6 * HOUR


def test_a_vm_that_is_paid_by_the_hour_is_used_up() -> None:
    """With `billing_boundary` an idle VM goes in the last minutes of its hour, and takes a job that comes before."""
    hourly = {"stop_policies": ("no_jobs", "billing_boundary", "max_life"), "idle_seconds": 60.0}
    jobs = [job(1, seconds=60.0), job(2, at=0.75 * HOUR, seconds=60.0)]
    kept, given_up = run(jobs, [pool(**hourly)]), run(jobs, [pool(idle_seconds=60.0)])
    assert (kept.vms_started, given_up.vms_started) == (1, 2)
    alone = run(jobs[:1], [pool(cores=1, **hourly)], boot=Boot(200.0))
    assert HOUR - 301 <= alone.paid_core_seconds <= HOUR


def test_a_soft_end_lets_payloads_end_and_takes_no_more() -> None:
    """After `soft_life` a VM finishes what it runs; what comes then is run by another."""
    soft = {"stop_policies": ("soft_end", "no_jobs"), "soft_life": HOUR, "idle_seconds": 300.0}
    jobs = [job(1, seconds=2 * HOUR), job(2, at=1.5 * HOUR, seconds=60.0)]
    assert run(jobs, [pool(**soft)]).vms_started == 2
    assert run(jobs, [pool(idle_seconds=300.0)]).vms_started == 1


def test_failed_matches_end_a_vm_before_it_is_idle() -> None:
    """A pool that allows three requests in vain lets its VM go seconds after its last job."""
    pools = [pool(cores=1, stop_policies=("failed_matches",), failed_matches=3)]
    result = run([job(1, seconds=1000.0)], pools, boot=Boot(200.0))
    assert result.paid_core_seconds < 200.0 + 1000.0 + 60.0


def test_never_lasts_until_the_end_of_life() -> None:
    """A VM that never goes by itself, whose planner lets it be, ends when its life does."""
    lasting = pool(cores=1, stop_policies=("never",), max_life=6 * HOUR)
    result = run([job(1, seconds=60.0, cpu_seconds=360)], [lasting])
    assert result.paid_core_seconds >= 5.5 * HOUR


def test_the_end_of_life_ends_vms() -> None:
    """VMs stop taking jobs at the end of their life and others take over."""
    jobs = [job(n, at=n * 600.0, seconds=300.0, cpu_seconds=360) for n in range(100)]
    result = run(jobs, [pool(max_life=4 * HOUR)])
    assert result.unserved == 0
    assert result.vms_started >= 4


def test_the_same_seed_gives_the_same_result() -> None:
    """A replay is a function of its arguments; another seed gives other boots."""
    jobs = [job(n, at=n * 40.0, seconds=500.0 + 7 * n, owner=f"u{n % 7}") for n in range(300)]
    about: dict[str, Any] = {"boot": Boot(300.0, 0.4), "deaths_per_hour": 0.05}
    first, again, other = (run(jobs, [pool()], seed=seed, **about) for seed in (1, 1, 2))
    assert first == again
    assert first.paid_core_seconds != other.paid_core_seconds


def test_curves_are_bounded_and_begin_at_zero() -> None:
    """However long a replay lasts, its curves have at most a thousand points, on one rising axis."""
    series = run([job(1, seconds=60 * HOUR)], [pool()]).series
    assert 0 < len(series.at) <= 1000
    assert series.at[0] == 0.0
    assert list(series.at) == sorted(set(series.at))
    assert {len(series.wanted), len(series.used), len(series.paid), len(series.waiting["vo"])} == {len(series.at)}
    assert (max(series.used), max(series.paid)) == (1, 8)


def test_progress_is_told() -> None:
    """Whoever waits is told how many jobs are settled, up to all of them."""
    told: list[tuple[int, int]] = []
    replay(
        trace(*(job(n, at=60.0 * n) for n in range(50))),
        inventory(pool()),
        rule=Production(),
        scenario=Scenario(),
        seed=1,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told)
    assert told[-1] == (50, 50)


@pytest.mark.parametrize(
    ("jobs", "what"),
    [
        ([job(1, at=10.0), job(2, at=9.0)], "before its forerunner"),
        ([job(1, at=-1.0)], "before its forerunner"),
        ([job(1, seconds=-1.0)], "runs -1.0 s"),
        ([job(1, seconds=float("nan"))], "runs nan s"),
        ([job(1, min_cores=0)], "needs 0 cores"),
        ([job(1), job(1)], "number of another"),
    ],
)
def test_a_trace_that_cannot_be_is_refused(jobs: list[Any], what: str) -> None:
    """A job out of order, of negative length, without cores or counted twice is named."""
    with pytest.raises(BadInput, match=what) as error:
        run(jobs, [pool()])
    assert "job" in error.value.where


@pytest.mark.parametrize(
    "scenario", [{"spots": {"q": Spot(1.0)}}, {"quotas": {"f": Quota()}}, {"boots": {"q": Boot()}}]
)
def test_a_scenario_of_another_inventory_is_refused(scenario: Any) -> None:
    """A name that the inventory does not have is a mistake, not a rule without effect."""
    with pytest.raises(BadInput, match="no such"):
        run([job(1)], [pool()], **scenario)


VOS = ("red", "green")
JOBS = st.lists(
    st.builds(
        dict,
        gap=st.floats(0, 2000),
        seconds=st.floats(0, 20_000),
        vo=st.sampled_from(VOS),
        owner=st.sampled_from(("a", "b")),
        min_cores=st.integers(1, 4),
        extra=st.integers(0, 6),
        whole_node=st.booleans(),
        ram_mb=st.integers(0, 8000),
        cpu_seconds=st.sampled_from((360, 1800, 21600)),
        priority=st.sampled_from((1.0, 5.0)),
    ),
    max_size=25,
)
CLOUDS = st.builds(
    Scenario,
    boot=st.builds(Boot, st.floats(0, 2000), st.floats(0, 1)),
    act_seconds=st.floats(0, 10),
    create_seconds=st.floats(0, 100),
    listing_lag=st.floats(0, 100),
    deaths_per_hour=st.floats(0, 0.5),
    stillborn_share=st.floats(0, 0.4),
    troubles=st.lists(
        st.builds(
            Trouble,
            error=st.sampled_from(ErrorClass),
            start=st.floats(0, 5000),
            end=st.floats(5000, 20000),
            probability=st.sampled_from((0.3, 1.0)),
        ),
        max_size=2,
    ).map(tuple),
    max_attempts=st.just(100_000),
)


@settings(max_examples=40, deadline=None)
@given(JOBS, CLOUDS, st.integers(0, 1000))
def test_every_job_runs_to_its_end(found: list[dict[str, Any]], scenario: Scenario, seed: int) -> None:
    """Whatever the cloud does, each job is done exactly once, no more is used than paid, and VOs keep to themselves."""
    at, jobs = 0.0, []
    for number, about in enumerate(found):
        at += about.pop("gap")
        about["max_cores"] = about["min_cores"] + about.pop("extra")
        jobs.append(job(number, at, **about))
    pools = [pool(vo, vo=vo, cores=4 + 4 * n) for n, vo in enumerate(VOS)]
    result = replay(trace(*jobs), inventory(*pools), rule=Production(), scenario=scenario, seed=seed)
    work = sum(one.seconds * one.shape.min_cores for one in jobs)
    assert result.unserved == 0
    assert result.used_core_seconds == pytest.approx(work)
    assert result.used_core_seconds <= result.paid_core_seconds + 1e-3
    for vo in result.vos:
        assert vo.jobs == sum(one.vo == vo.vo for one in jobs)
        assert vo.used_core_seconds <= vo.paid_core_seconds + 1e-3
