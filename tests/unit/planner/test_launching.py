"""What is launched for which jobs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.model.plan import Finished, Plan, Snapshot
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.memory import Memory, learned, match_key
from vmdirac_py.planner.step import step

SHORT, LONG = 100.0, 40_000.0


def known(at: float) -> Memory:
    """A memory of many short payloads of `ann`, and many long ones of `bob`."""
    ran = [
        Finished(2 * n + which, "vo", owner, "vo_user", seconds, 86_400)
        for n in range(1, 400)
        for which, (owner, seconds) in enumerate((("ann", SHORT), ("bob", LONG)))
    ]
    return learned(Memory(), ran, (), at)


def two_owners(build: Any, short: int, long: int) -> Snapshot:
    """Short jobs of one owner and long ones of another, for VMs of eight cores."""
    queues = [replace(build.queue(short, "short"), owner="ann"), replace(build.queue(long, "long"), owner="bob")]
    made: Snapshot = build.snapshot([build.pool(cores=8)], queues)
    return made


def planned(snapshot: Snapshot, memory: Memory | None = None) -> Plan:
    """The plan alone."""
    return step(snapshot, memory or Memory())[0]


def test_jobs_of_like_length_share_vms(build: Any) -> None:
    """Short and long ones are launched for apart, and what they are for tells how long the VMs last."""
    decisions = planned(two_owners(build, 16, 8), known(build.AT)).decisions
    assert sorted(one.count for one in decisions) == [1, 2]
    ends = {one.count: one.soft_end - build.AT for one in decisions}
    assert SHORT < ends[2] < 3_600.0 < LONG < ends[1]


def test_unlike_jobs_share_where_that_saves_a_vm(build: Any) -> None:
    """Four of each kind fit one VM; two are not launched for them."""
    (only,) = planned(two_owners(build, 4, 4), known(build.AT)).decisions
    assert only.count == 1
    assert only.soft_end - build.AT > LONG


@given(short=st.integers(0, 40), long=st.integers(0, 40))
def test_lengths_never_cost_a_vm(short: int, long: int, build: Any) -> None:
    """However many of which length: as many VMs as cores need, and every job has its place."""
    plan = planned(two_owners(build, short, long), known(build.AT))
    assert sum(build.launched(plan).values()) == -(-(short + long) // 8)
    assert sum(one.on_new for one in plan.placements) == short + long


@pytest.mark.parametrize(("limit", "vms", "jobs"), [(8, 1, 8), (16, 2, 16), (0, 0, 0)])
def test_a_limit_of_a_group_holds(build: Any, limit: int, vms: int, jobs: int) -> None:
    """For its jobs beyond the limit no VM is launched; those of other groups have theirs."""
    mine, other = build.queue(80, "mine"), replace(build.queue(8, "other", priority=2.0), group="vo_prod")
    vo = Vo("vo", group_max_cores={"vo_user": limit})
    alone = planned(build.snapshot([build.pool(cores=8)], [mine], vos=[vo]))
    assert sum(build.launched(alone).values()) == vms
    assert [(one.on_new, one.unplaced) for one in alone.placements] == [(jobs, 80 - jobs)]
    assert any("group" in code for code in build.codes(alone)["mine"])
    less = replace(vo, group_max_cores={"vo_user": 4})
    assert build.launched(planned(build.snapshot([build.pool(cores=8)], [mine], vos=[less]))) == {"p": 1}
    both = {
        one.queue: one.on_new for one in planned(build.snapshot([build.pool()], [mine, other], vos=[vo])).placements
    }
    assert both["other"] == 8


def test_jobs_that_matched_nowhere_are_probed_with_one_vm(build: Any) -> None:
    """After VMs found no work although such jobs wait, one is launched to see; other jobs are not concerned."""
    pool, queue = build.pool(cores=8), build.queue(80)
    memory = Memory(no_match={match_key(pool, queue.shape.fingerprint): Budget(1, 1, build.AT)})
    assert build.launched(planned(build.snapshot([pool], [queue]), memory)) == {"p": 1}
    other = build.queue(80, ram_mb=100)
    assert build.launched(planned(build.snapshot([pool], [other]), memory)) == {"p": 10}


def test_a_launch_names_the_shapes_it_is_for(build: Any) -> None:
    """So that VMs that find no work are told from others."""
    queues = [build.queue(4, "a"), build.queue(1, "b", min_cores=4)]
    (only,) = planned(build.snapshot([build.pool(cores=8)], queues)).decisions
    assert only.shapes == tuple(sorted(queue.shape.fingerprint for queue in queues))


def test_who_waited_for_long_comes_first_where_limits_bind(build: Any) -> None:
    """A lonely job of a small VO is not passed over for ever by what fills VMs better."""
    pools = [build.pool("big", cores=8), build.pool("small", cores=8, vo="other")]
    queues = [build.queue(80, "many"), build.queue(1, "lonely", vo="other", waited=5000.0)]
    snapshot = build.snapshot(pools, queues, endpoints=[Endpoint("e", "local", "SITE", max_vms=1, ramp=10)])
    assert build.launched(step(snapshot, Memory())[0]) == {"small": 1}


def test_what_boots_and_what_was_just_decided_are_packed_alike(build: Any) -> None:
    """So the next plan, to which all of it boots, packs it as well and wants nothing more."""
    sizes = {"small": (6, 24_000, 5.5), "large": (16, 64_000, 17.7), "wide": (12, 96_000, 12.0)}
    pools = [
        build.pool(name, resources=Resources(cores, ram), price=price) for name, (cores, ram, price) in sizes.items()
    ]
    wanted = [(45, 2, 12_000), (79, 2, 6000), (45, 4, 12_000), (59, 3, 9000), (155, 1, 3000), (99, 1, 1000)]
    queues = [build.queue(jobs, f"q{n}", min_cores=cores, ram_mb=ram) for n, (jobs, cores, ram) in enumerate(wanted)]
    day = build.AT + 90_000
    counts = [(pools[0], 5, 0.0), (pools[0], 5, day), (pools[2], 2, day), (pools[2], 1, 0.0)]
    booting = [
        build.vm(pool, f"{pool.name}-{end}-{n}", VmState.SUBMITTED, created_at=build.AT - 30, soft_end=end)
        for pool, count, end in counts
        for n in range(count)
    ]
    snapshot = build.snapshot(pools, queues, booting)
    first = planned(snapshot)
    assert sum(one.count for one in first.decisions) > 100
    assert planned(build.carried_out(snapshot, first)).decisions == ()
