import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.model.plan import EndpointView, Outcome, Snapshot
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.vm import Run, VmState
from vmdirac_py.planner.limits import limits_of
from vmdirac_py.planner.memory import Memory, fold
from vmdirac_py.planner.step import step


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"mode": "manual"}, "pool.manual"),
        ({"campaign_start": 1_800_000_001.0}, "campaign.not_yet"),
        ({"campaign_end": 1_800_000_000.0}, "campaign.over"),
    ],
)
def test_a_closed_pool_launches_nothing_and_says_why(build: Any, about: dict[str, Any], code: str) -> None:
    """Outside of its campaign, or in the hands of people, not even a minimum is launched."""
    plan = step(build.snapshot([build.pool(min_vms=2, **about)], [build.queue(9)]), Memory())[0]
    assert not plan.acts
    assert build.codes(plan) == {"q": [code]}


def test_a_campaign_launches_within_its_window(build: Any) -> None:
    """Its first second counts, its last does not."""
    pool = build.pool(campaign_start=build.AT, campaign_end=build.AT + 1)
    assert build.launched(step(build.snapshot([pool], [build.queue(9)]), Memory())[0]) == {"p": 2}


def test_a_reserve_is_left_to_others(build: Any) -> None:
    """Of a quota of 100 cores with 20 in foreign use and 40 reserved, 40 are ours."""
    view = EndpointView("e", build.AT, 5, 20, None, 100)
    endpoint = Endpoint("e", "local", "SITE", ramp=999, reserve_cores=40)
    plan = step(build.snapshot([build.pool()], [build.queue(99)], endpoints=[endpoint]), Memory())[0]
    assert build.launched(plan) == {"p": 13}  # no quota is known yet
    snapshot = build.snapshot([build.pool()], [build.queue(99)], endpoints=[endpoint])
    plan = step(replace(snapshot, endpoints=(view,)), Memory())[0]
    assert build.launched(plan) == {"p": 5}
    assert build.codes(plan)["q"] == ["limit.reserve"]


def grouped(build: Any, **limits: Any) -> Snapshot:
    """A VO with limits on its group `prod`, of which 3 jobs run with 5 cores on 2 VMs."""
    pool = build.pool()
    runs = (
        (Run("ann", "prod", 0.0, 2), Run("bob", "prod", 0.0, 1)),
        (Run("ann", "prod", 0.0, 2), Run("eve", "user", 0.0, 4)),
    )
    fleet = [replace(build.vm(pool, f"vm-{n}"), runs=run) for n, run in enumerate(runs)]
    return build.snapshot([pool], [], fleet, vos=[Vo("vo", ("prod", "user"), **limits)])


def test_a_group_has_what_its_jobs_leave(build: Any) -> None:
    """Cores and VMs of running jobs are taken off; another group, or a VO without such limits, is free."""
    limits = limits_of(grouped(build, group_max_cores={"prod": 9}, group_max_vms={"prod": 2}), Memory())
    cores, vms = limits.of_group("vo", "prod")
    assert (cores.left, cores.by_core, cores.reason.code) == (4, True, "limit.group_cores")
    assert (vms.left, vms.by_core, vms.reason.code) == (0, False, "limit.group_vms")
    assert limits.of_group("vo", "user") == limits.of_group("other", "prod") == ()


def no_match(seq: int, at: float) -> Outcome:
    """A VM of the pool that ended without a payload."""
    about = {"error_class": ErrorClass.NO_MATCH, "booted": True, "shapes": (Shape().fingerprint,)}
    return Outcome(seq, at, "e", "p", 0, 1, **about)


def test_after_no_match_one_vm_at_a_time_tries_again(build: Any) -> None:
    """Nothing during the back-off, then one VM; while it boots or stands empty, no second one."""
    pool = build.pool()
    snapshot = build.snapshot([pool], [])
    memory = fold(Memory(), [no_match(1, build.AT - 100)], snapshot.inventory.pools)
    assert limits_of(snapshot, memory).of_shape(pool, Shape())[0] == 0
    later = replace(snapshot, at=build.AT + 300)
    assert limits_of(later, memory).of_shape(pool, Shape())[0] == 1
    assert limits_of(later, memory).of_shape(pool, Shape(2, 2))[1] is None
    for state, busy, room in ((VmState.NEW, 0, 0), (VmState.RUNNING, 0, 0), (VmState.RUNNING, 3, 1)):
        tried = replace(later, fleet=(build.vm(pool, state=state, busy=busy),))
        assert limits_of(tried, memory).of_shape(pool, Shape())[0] == room


def test_pools_that_ask_for_the_same_share_their_failures(build: Any) -> None:
    """Two pools of one VO with one flavor and image are one misconfiguration, and one probe."""
    pools = [build.pool("a", flavor="x"), build.pool("b", flavor="x")]
    snapshot = build.snapshot(pools, [build.queue(80)])
    refused = Outcome(1, build.AT, "e", "a", 0, 1, ErrorClass.BAD_REQUEST)
    _, memory = step(replace(snapshot, outcomes=(refused,)), Memory())
    assert memory.pool(pools[1]).failures == 1
    assert sum(build.launched(step(replace(snapshot, at=build.AT + 61), memory)[0]).values()) == 1


@pytest.mark.parametrize("error", [ErrorClass.BAD_REQUEST, ErrorClass.STILLBORN])
def test_many_bad_pools_are_probed_once_a_minute(build: Any, error: ErrorClass) -> None:
    """Thirty misconfigured pools, planned every ten seconds: their endpoint sees one create call a minute."""
    pools = [build.pool(f"p{n}") for n in range(30)]
    snapshot = build.snapshot(pools, [build.queue(800)])
    memory, outcomes, fleet, calls = Memory(), (failed(1, build.AT, "p0", error),), (), []
    for seconds in range(0, 1800, 10):
        at = build.AT + seconds
        now = replace(snapshot, at=at, outcomes=outcomes, fleet=fleet, demand=replace(snapshot.demand, at=at))
        plan, memory = step(now, memory)
        asked = build.launched(plan)
        calls += [at] * sum(asked.values())
        outcomes = tuple(failed(int(at), at + 5, pool, error) for pool in asked)
        booted = [
            build.vm(snapshot.inventory.pools[pool], f"vm-{at}", VmState.SUBMITTED, created_at=at) for pool in asked
        ]
        fleet = tuple(booted) if error is ErrorClass.STILLBORN else ()
    assert len(calls) > 15
    assert all(later - earlier >= 60 for earlier, later in itertools.pairwise(calls))


def failed(seq: int, at: float, pool: str, error: ErrorClass) -> Outcome:
    """A launch that brought nothing, or a VM that never ran."""
    return Outcome(seq, at, "e", pool, 0, 1, error, booted=error is ErrorClass.STILLBORN)
