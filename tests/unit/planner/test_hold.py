"""Which jobs wait for company."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.model.inventory import Vo
from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step


def busy(build: Any, jobs: int, waited: float, *, pool: Any = None, **more: Any) -> Snapshot:
    """A VO with one full VM of eight cores and some jobs that found no room on it."""
    of = pool or build.pool(cores=8)
    vm = replace(build.vm(of, busy=8), free=Resources())
    made: Snapshot = build.snapshot([of], [build.queue(jobs, waited=waited, **more)], [vm])
    return made


def patient(snapshot: Snapshot, max_hold: float) -> Snapshot:
    """The same with another longest wait."""
    vos = {"vo": Vo("vo", max_hold=max_hold)}
    return replace(snapshot, inventory=replace(snapshot.inventory, vos=vos))


def planned(snapshot: Snapshot) -> Plan:
    """The plan alone."""
    return step(snapshot, Memory())[0]


def held(snapshot: Snapshot) -> tuple[int, int]:
    """How many jobs are held, and how many get new VMs."""
    placements = planned(snapshot).placements
    assert not any(one.unplaced for one in placements)
    return sum(one.held for one in placements), sum(one.on_new for one in placements)


def test_a_job_that_would_not_fill_a_vm_waits_for_company(build: Any) -> None:
    """Nothing is launched, and the queue says for how long at most."""
    plan = planned(busy(build, 1, 10.0))
    assert not plan.acts
    assert [one.held for one in plan.placements] == [1]
    assert [(one.code, one.as_dict) for one in plan.placements[0].reasons] == [("hold.company", {"seconds": 900})]


@pytest.mark.parametrize(
    ("boot", "max_hold", "longest"), [(300.0, 900.0, 500.0), (30.0, 900.0, 50.0), (300.0, 100.0, 100.0)]
)
def test_no_job_waits_longer_than_a_boot_is_worth(build: Any, boot: float, max_hold: float, longest: float) -> None:
    """Five thirds of a boot, and never longer than its VO allows."""
    pool = build.pool(cores=8, boot_seconds=boot)
    assert held(patient(busy(build, 1, longest - 1, pool=pool), max_hold)) == (1, 0)
    assert held(patient(busy(build, 1, longest, pool=pool), max_hold)) == (0, 1)


def test_a_vo_that_wants_it_waits_for_nobody(build: Any) -> None:
    """With a longest wait of nothing every job gets its VM at once."""
    assert held(patient(busy(build, 1, 0.0), 0.0)) == (0, 1)


@pytest.mark.parametrize("state", [None, VmState.DRAINING, VmState.FAILED, VmState.HALTED])
def test_a_vo_without_vms_waits_for_nobody(build: Any, state: VmState | None) -> None:
    """Its first job is served at once; VMs on their way out are none."""
    pool = build.pool(cores=8)
    fleet = [build.vm(pool, state=state)] if state else []
    assert held(build.snapshot([pool], [build.queue(1, waited=10.0)], fleet)) == (0, 1)


@pytest.mark.parametrize(
    ("jobs", "about", "expected"),
    [
        (8, {}, (0, 8)),
        (2, {"min_cores": 4}, (0, 2)),
        (2, {"min_cores": 3}, (0, 2)),
        (4, {"ram_mb": 4000}, (0, 4)),
        (1, {"whole_node": True}, (0, 1)),
        (9, {}, (1, 8)),
        (7, {}, (7, 0)),
    ],
)
def test_a_full_vm_is_not_held_for_company(build: Any, jobs: int, about: dict[str, Any], expected: Any) -> None:
    """Full is what takes not one more such job; only the rest waits."""
    assert held(busy(build, jobs, 100.0, **about)) == expected


def test_a_full_vm_waits_a_little_for_cores_to_become_free(build: Any) -> None:
    """A third of a boot; not where VMs are so small that nothing is wasted."""
    assert held(busy(build, 8, 99.0)) == (8, 0)
    assert held(busy(build, 8, 100.0)) == (0, 8)
    small = build.pool(cores=2)
    full = replace(build.vm(small, busy=2), free=Resources())
    assert held(build.snapshot([small], [build.queue(3, waited=1.0)], [full])) == (0, 3)


def test_two_jobs_less_than_a_boot_apart_share_a_vm(build: Any) -> None:
    """The first waits until the second is there; when its time is over both go on one VM."""
    assert held(busy(build, 1, 250.0)) == (1, 0)
    snapshot = busy(build, 1, 499.0, name="first")
    second = build.queue(1, "second", waited=249.0)
    both = replace(snapshot, demand=replace(snapshot.demand, queues=(*snapshot.demand.queues, second)))
    assert held(both) == (2, 0)
    later = replace(both, at=both.at + 1.0)
    assert build.launched(planned(later)) == {"p": 1}
    assert held(later) == (0, 2)


def test_an_empty_vm_is_no_reason_to_wait_elsewhere(build: Any) -> None:
    """What has room takes the job at once; nothing is held."""
    pool = build.pool(cores=8)
    plan = planned(build.snapshot([pool], [build.queue(1, waited=10.0)], [build.vm(pool)]))
    assert [(one.on_running, one.held) for one in plan.placements] == [(1, 0)]


def test_an_idle_vm_that_held_jobs_would_use_stays(build: Any) -> None:
    """It is not drained because its job might be held instead."""
    pool = build.pool(cores=8)
    idle = replace(build.vm(pool, "idle"), idle_since=build.AT - 9000)
    other = replace(build.vm(pool, "full", busy=8), free=Resources())
    snapshot = build.snapshot([pool], [build.queue(1, waited=10.0)], [idle, other])
    assert build.drained(planned(replace(snapshot, endpoints=build.listed(snapshot, build.AT)))) == []
