from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.model.plan import EndpointView, Outcome, Placement, Plan, Snapshot
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

BOOTING = [VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING]


def planned(snapshot: Snapshot, memory: Memory | None = None) -> Plan:
    """The plan alone."""
    return step(snapshot, memory or Memory())[0]


def only(plan: Plan) -> Placement:
    """The one placement."""
    (placement,) = plan.placements
    return placement


def numbers(placement: Placement) -> tuple[int, int, int, int]:
    """Where its jobs go: running, booting, new, nowhere."""
    return placement.on_running, placement.on_booting, placement.on_new, placement.unplaced


def test_one_waiting_job_gives_one_vm(build: Any) -> None:
    """Not one per cycle, not one per pool."""
    plan = planned(build.snapshot([build.pool("a"), build.pool("b")], [build.queue(1)]))
    assert build.launched(plan) == {"a": 1}


@pytest.mark.parametrize("state", BOOTING)
def test_a_job_that_waits_for_a_booting_vm_gets_no_second_one(build: Any, state: VmState) -> None:
    """Booting capacity counts."""
    pool = build.pool()
    plan = planned(build.snapshot([pool], [build.queue(1)], [build.vm(pool, state=state)]))
    assert not plan.acts
    assert numbers(only(plan)) == (0, 1, 0, 0)


def test_eighty_jobs_on_eight_cores_give_ten_vms(build: Any) -> None:
    """Planned by cores, not by jobs; eight queues share like one."""
    queues = [build.queue(10, f"q{n}") for n in range(8)]
    assert build.launched(planned(build.snapshot([build.pool(cores=8)], queues))) == {"p": 10}
    assert build.launched(planned(build.snapshot([build.pool(cores=8)], [build.queue(80)]))) == {"p": 10}


def test_later_queues_share_the_tail_of_planned_vms(build: Any) -> None:
    """Five 1-core jobs fill what three 2-core jobs leave on two 8-core VMs' worth."""
    queues = [build.queue(3, "two", min_cores=2), build.queue(5, "one")]
    assert build.launched(planned(build.snapshot([build.pool(cores=8)], queues))) == {"p": 2}
    assert build.launched(planned(build.snapshot([build.pool(cores=8)], [queues[0], build.queue(2, "one")]))) == {
        "p": 1
    }


def test_running_capacity_is_used_first(build: Any) -> None:
    """Free cores now, then booting ones, then new VMs."""
    pool = build.pool(cores=4)
    fleet = [build.vm(pool, "r", busy=3), build.vm(pool, "b", VmState.SUBMITTED)]
    plan = planned(build.snapshot([pool], [build.queue(10)], fleet))
    assert numbers(only(plan)) == (1, 4, 5, 0)
    assert build.launched(plan) == {"p": 2}


@pytest.mark.parametrize("state", [VmState.DRAINING, VmState.STOPPING, VmState.STALLED, VmState.FAILED])
def test_vms_on_their_way_out_take_no_jobs(build: Any, state: VmState) -> None:
    """Only alive VMs are capacity."""
    pool = build.pool()
    assert build.launched(planned(build.snapshot([pool], [build.queue(1)], [build.vm(pool, state=state)]))) == {"p": 1}


def test_a_whole_node_job_needs_an_empty_vm(build: Any) -> None:
    """Free cores on a used node do not serve it; an empty node does, and is then full."""
    pool = build.pool(cores=8)
    queues = [build.queue(1, "whole", whole_node=True, min_cores=4)]
    assert build.launched(planned(build.snapshot([pool], queues, [build.vm(pool, busy=1)]))) == {"p": 1}
    assert not planned(build.snapshot([pool], queues, [build.vm(pool)])).acts
    both = [*queues, build.queue(1, "one")]
    assert build.launched(planned(build.snapshot([pool], both, [build.vm(pool)]))) == {"p": 1}


def test_memory_limits_how_many_run_side_by_side(build: Any) -> None:
    """Eight cores with 16 GB hold four 4 GB jobs."""
    assert build.launched(planned(build.snapshot([build.pool(cores=8)], [build.queue(8, ram_mb=4000)]))) == {"p": 2}


def test_a_vm_near_its_end_takes_no_long_job(build: Any) -> None:
    """What is left of a VM's life is part of the fit."""
    pool = build.pool(max_life=100_000.0)
    old = build.vm(pool, created_at=build.AT - 50_000)
    assert build.launched(planned(build.snapshot([pool], [build.queue(1, cpu_seconds=86_400)], [old]))) == {"p": 1}
    assert not planned(build.snapshot([pool], [build.queue(1, cpu_seconds=43_200)], [old])).acts


def test_vos_never_share(build: Any) -> None:
    """Free capacity of one VO serves no other, running, booting or new."""
    theirs = build.pool("theirs", vo="other")
    fleet = [build.vm(theirs, "r"), build.vm(theirs, "b", VmState.SUBMITTED)]
    plan = planned(build.snapshot([theirs], [build.queue(5)], fleet))
    assert numbers(only(plan)) == (0, 0, 0, 5)
    assert build.codes(plan) == {"q": ["unserved.no_pool_of_vo"]}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"priority": 1, "price": 9.0}, {"price": 1.0}),
        ({"price": 1.0}, {"price": 2.0}),
        ({"cores": 4, "price": 4.0}, {"cores": 8, "price": 8.0}),
        ({"cores": 4}, {"cores": 16}),
    ],
    ids=["priority", "price", "price per useful core", "wasted cores"],
)
def test_the_better_pool_is_chosen(build: Any, better: dict[str, Any], worse: dict[str, Any]) -> None:
    """Priority, then price per useful core, then wasted cores."""
    pools = [build.pool("a-worse", **worse), build.pool("z-better", **better)]
    assert build.launched(planned(build.snapshot(pools, [build.queue(4)]))) == {"z-better": 1}


LIMITED: list[tuple[dict[str, Any], str]] = [
    ({"pool": {"max_vms": 2}}, "limit.pool_vms"),
    ({"pool": {"max_cores": 17}}, "limit.pool_cores"),
    ({"vos": [Vo("vo", max_vms=2)]}, "limit.vo_vms"),
    ({"vos": [Vo("vo", max_cores=23)]}, "limit.vo_cores"),
    ({"endpoints": [Endpoint("e", "local", "SITE", max_vms=2)]}, "limit.endpoint_vms"),
    ({"endpoints": [Endpoint("e", "local", "SITE", max_cores=16)]}, "limit.endpoint_cores"),
    ({"endpoints": [Endpoint("e", "local", "SITE", ramp=2)]}, "limit.ramp"),
    ({"views": (EndpointView("e", foreign_vms=5, max_vms=7),)}, "quota.endpoint_vms"),
    ({"views": (EndpointView("e", foreign_cores=100, max_cores=120),)}, "quota.endpoint_cores"),
]


@pytest.mark.parametrize(("limit", "code"), LIMITED, ids=[code for _, code in LIMITED])
def test_a_limit_binds_and_says_so(build: Any, limit: dict[str, Any], code: str) -> None:
    """Two VMs of eight cores are let through; the rest waits with the limit as its reason, for queue and pool."""
    pool = build.pool(**limit.get("pool", {}))
    more = {"vos": limit.get("vos", ()), "endpoints": limit.get("endpoints", ())}
    snapshot = build.snapshot([pool], [build.queue(30)], **more)
    plan = planned(replace(snapshot, endpoints=limit.get("views", ())))
    assert build.launched(plan) == {"p": 2}
    assert numbers(only(plan)) == (0, 0, 16, 14)
    assert build.codes(plan) == {"q": [code]}
    assert [reason.code for note in plan.pools for reason in note.reasons] == [code]


def test_living_vms_count_against_limits(build: Any) -> None:
    """Whatever still holds an instance is counted, draining and stopping ones too; refused ones are not."""
    pool = build.pool(max_vms=4)
    states = [VmState.RUNNING, VmState.DRAINING, VmState.STOPPING]
    fleet = [build.vm(pool, f"vm-{state}", state, busy=8) for state in states]
    fleet += [build.vm(pool, "refused", VmState.FAILED, instance_id=""), build.vm(pool, "gone", VmState.HALTED)]
    assert build.launched(planned(build.snapshot([pool], [build.queue(80)], fleet))) == {"p": 1}


def test_a_full_pool_spills_into_the_next(build: Any) -> None:
    """When a limit binds, the next best pool serves the rest."""
    pools = [build.pool("best", priority=1, max_vms=1), build.pool("next")]
    assert build.launched(planned(build.snapshot(pools, [build.queue(16)]))) == {"best": 1, "next": 1}


def test_a_limit_in_vms_is_spent_on_big_ones(build: Any) -> None:
    """Two VMs for ten jobs: small preferred VMs would serve two of them."""
    pools = [build.pool("small", cores=1, priority=1), build.pool("big", cores=8)]
    plan = planned(build.snapshot(pools, [build.queue(10)], vos=[Vo("vo", max_vms=2)]))
    assert build.launched(plan) == {"big": 2}


def test_the_minimum_is_kept_without_demand(build: Any) -> None:
    """A pool with a minimum has that many VMs alive."""
    pool = build.pool(min_vms=3)
    fleet = [build.vm(pool, "r"), build.vm(pool, "d", VmState.DRAINING)]
    plan = planned(build.snapshot([pool], [], fleet))
    assert build.launched(plan) == {"p": 2}
    assert plan.decisions[0].reason.code == "launch.minimum"


def test_the_minimum_serves_demand(build: Any) -> None:
    """VMs launched for the minimum take waiting jobs; none is launched for those again."""
    plan = planned(build.snapshot([build.pool(min_vms=3)], [build.queue(24)]))
    assert build.launched(plan) == {"p": 3}
    assert numbers(only(plan)) == (0, 0, 24, 0)


def test_a_lowered_limit_drains_the_emptiest_and_youngest(build: Any) -> None:
    """Busy VMs stay as long as empty ones can go."""
    pool = build.pool(max_vms=2)
    fleet = [
        build.vm(pool, "busy", busy=3),
        build.vm(pool, "empty-old", created_at=build.AT - 9000),
        build.vm(pool, "empty-young"),
        build.vm(pool, "busier", busy=5),
    ]
    plan = planned(build.snapshot([pool], [], fleet))
    assert sorted(build.drained(plan)) == ["empty-old", "empty-young"]
    assert plan.decisions[0].reason.as_dict == {"name": "p", "limits": "2 VMs"}


def test_a_booting_vm_over_the_limit_is_drained_when_it_can(build: Any) -> None:
    """A VM that cannot drain yet is waited for, rather than a busy one drained in its place."""
    pool = build.pool(max_vms=1)
    fleet = [build.vm(pool, "busy", busy=3), build.vm(pool, "boots", VmState.SUBMITTED)]
    assert not planned(build.snapshot([pool], [], fleet)).acts
    fleet[1] = build.vm(pool, "boots", VmState.CONTEXTUALISING)
    assert build.drained(planned(build.snapshot([pool], [], fleet))) == ["boots"]


@pytest.mark.parametrize(
    "limits",
    [{"vos": [Vo("vo", max_cores=8)]}, {"endpoints": [Endpoint("e", "local", "SITE", max_vms=1)]}],
    ids=["VO", "endpoint"],
)
def test_lowered_limits_of_vo_and_endpoint_drain_as_well(build: Any, limits: dict[str, Any]) -> None:
    """A limit counts over all pools below it."""
    a, b = build.pool("a"), build.pool("b")
    fleet = [build.vm(a, "vm-a", busy=1), build.vm(b, "vm-b")]
    assert build.drained(planned(build.snapshot([a, b], [], fleet, **limits))) == ["vm-b"]


def test_empty_demand_drains_nobody(build: Any) -> None:
    """An empty or restored queue retires no VM; idle ones stop themselves."""
    pool = build.pool()
    assert not planned(build.snapshot([pool], [], [build.vm(pool, f"vm-{n}") for n in range(9)])).acts


@pytest.mark.parametrize(
    ("change", "code"),
    [({"complete": False}, "demand.incomplete"), ({"at": 1_800_000_000.0 - 301}, "demand.stale")],
)
def test_unfit_demand_starts_and_retires_nothing(build: Any, change: dict[str, Any], code: str) -> None:
    """Neither launches nor drains, and every queue and pool says why."""
    pool = build.pool(min_vms=5, max_vms=1)
    snapshot = build.snapshot([pool], [build.queue(9)], [build.vm(pool, f"vm-{n}") for n in range(3)])
    plan = planned(replace(snapshot, demand=replace(snapshot.demand, **change)))
    assert not plan.acts
    assert numbers(only(plan)) == (0, 0, 0, 9)
    assert build.codes(plan) == {"q": [code]}
    assert [reason.code for note in plan.pools for reason in note.reasons] == [code]


def test_an_unserveable_queue_names_the_nearest_pool_and_every_cause(build: Any) -> None:
    """What no pool can ever run says how far off the pools are."""
    pools = [build.pool("elsewhere", site="FAR"), build.pool("small", cores=4), build.pool("big", cores=32)]
    plan = planned(build.snapshot(pools, [build.queue(3, min_cores=64, sites=("SITE",))]))
    reasons = only(plan).reasons
    assert [reason.code for reason in reasons] == ["unserved.no_pool", "misfit.cores", "misfit.site"]
    assert reasons[0].as_dict["nearest"] == "big, small, elsewhere"
    assert reasons[1].as_dict == {"wants": 64, "has": 32}


def refusal(seq: int, at: float, error: ErrorClass, pool: str = "p") -> Outcome:
    """A launch that brought nothing."""
    return Outcome(seq, at, "e", pool, 0, 5, error)


def test_a_refusing_endpoint_is_left_alone_and_says_until_when(build: Any) -> None:
    """During a back-off nothing is launched, and the queue says so."""
    snapshot = build.snapshot([build.pool()], [build.queue(80)])
    plan, memory = step(replace(snapshot, outcomes=(refusal(7, build.AT, ErrorClass.UNAVAILABLE),)), Memory())
    assert not plan.acts
    assert only(plan).reasons[0].as_dict["until"] == int(build.AT) + 60
    later = replace(snapshot, at=build.AT + 61)
    assert build.launched(planned(later, memory)) == {"p": 1}


def test_other_endpoints_never_notice(build: Any) -> None:
    """A refusing cloud's demand goes to the others."""
    pools = [build.pool("a", priority=1), build.pool("b", endpoint="e2")]
    snapshot = build.snapshot(pools, [build.queue(80)], outcomes=(refusal(7, build.AT, ErrorClass.AUTH, "a"),))
    assert build.launched(planned(snapshot)) == {"b": 10}


def test_a_misconfigured_pool_stops_alone(build: Any) -> None:
    """A bad request stops its pool, not the one that runs VMs on the same endpoint."""
    pools = [build.pool("a", priority=1), build.pool("b")]
    snapshot = build.snapshot(
        pools,
        [build.queue(16)],
        [build.vm(pools[1], busy=8)],
        outcomes=(refusal(7, build.AT, ErrorClass.BAD_REQUEST, "a"),),
    )
    assert build.launched(planned(snapshot)) == {"b": 2}


def test_an_unknown_pool_is_tried_a_minute_after_a_failure(build: Any) -> None:
    """Who knows whether it is misconfigured too: first nothing, then one VM."""
    pools = [build.pool("a", priority=1), build.pool("b")]
    snapshot = build.snapshot(pools, [build.queue(80)])
    plan, memory = step(replace(snapshot, outcomes=(refusal(7, build.AT, ErrorClass.BAD_REQUEST, "a"),)), Memory())
    assert not plan.acts
    assert "budget.probe" in build.codes(plan)["q"]
    assert build.launched(planned(replace(snapshot, at=build.AT + 60), memory)) in ({"a": 1}, {"b": 1})


def test_the_next_probe_tries_another_pool(build: Any) -> None:
    """A flavor without capacity does not keep its endpoint's other flavors from being tried."""
    pools = [build.pool("a", priority=1), build.pool("b")]
    snapshot = build.snapshot(pools, [build.queue(8)])
    _, memory = step(replace(snapshot, outcomes=(refusal(7, build.AT, ErrorClass.NO_CAPACITY, "a"),)), Memory())
    assert build.launched(planned(replace(snapshot, at=build.AT + 61), memory)) == {"b": 1}


def test_an_outcome_counts_once(build: Any) -> None:
    """Showing the same outcome again changes nothing."""
    snapshot = build.snapshot([build.pool()], [], outcomes=(refusal(7, build.AT, ErrorClass.QUOTA),))
    once = step(snapshot, Memory())[1]
    assert step(snapshot, once)[1] == once


def test_a_vm_whose_pool_left_the_inventory_is_no_capacity(build: Any) -> None:
    """Nobody knows what such a VM fits, so nothing is planned on it."""
    gone = build.pool("gone")
    plan = planned(build.snapshot([build.pool()], [build.queue(1)], [build.vm(gone)]))
    assert build.launched(plan) == {"p": 1}


def test_gpus_are_kept_for_those_who_need_them(build: Any) -> None:
    """A plain job takes the plain VM although the GPU one is as empty."""
    plain, gpu = build.pool("plain"), build.pool("gpu", resources=Resources(8, 16_000, 1))
    queues = [build.queue(8, "plain", priority=2.0), build.queue(1, "gpu", gpus=1)]
    fleet = [build.vm(gpu, "vm-1"), build.vm(plain, "vm-2")]
    assert not planned(build.snapshot([plain, gpu], queues, fleet)).acts


def test_a_job_with_many_choices_leaves_the_rare_vm_to_others(build: Any) -> None:
    """A flexible job ahead of site-bound ones takes its own VM again in the next plan, so none is launched twice."""
    pools = [build.pool("near", cores=1, price=1.2), build.pool("far", cores=16, price=16.0, site="FAR")]
    queues = [build.queue(1, "flexible", priority=2.0), build.queue(16, "bound", sites=("FAR",))]
    snapshot = build.snapshot(pools, queues)
    plan = planned(snapshot)
    assert build.launched(plan) == {"near": 1, "far": 1}
    assert not planned(build.carried_out(snapshot, plan)).acts


def test_a_plan_wants_at_once_what_the_next_would_want(build: Any) -> None:
    """Where queues will compete for the new VMs, the plan already counts with it: the next one is empty."""
    pools = [
        build.pool("wide", resources=Resources(16, 16_000), price=12.8),
        build.pool("narrow", resources=Resources(2, 4_000), price=2.4),
    ]
    queues = [
        build.queue(12, "fat", priority=2.0, min_cores=2, ram_mb=3000),
        build.queue(15, "thin", min_cores=2, ram_mb=1500),
    ]
    snapshot = build.snapshot(pools, queues)
    assert not planned(build.carried_out(snapshot, planned(snapshot))).acts
