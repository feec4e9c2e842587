from typing import Any

from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.minimums import stays
from vmdirac_py.planner.step import step


def test_a_static_pool_always_has_its_vms(build: Any) -> None:
    """Whatever waits, and never more."""
    pool = build.pool(mode="static", max_vms=5)
    for jobs in (0, 1, 900):
        snapshot = build.snapshot([pool], [build.queue(jobs)], [build.vm(pool, f"vm-{n}", busy=8) for n in range(2)])
        assert build.launched(step(snapshot, Memory())[0]) == {"p": 3}
    (decision,) = step(build.snapshot([pool], []), Memory())[0].decisions
    assert decision.reason.as_dict == {"max": 5}


def test_a_warm_pool_keeps_empty_vms_ahead(build: Any) -> None:
    """Busy VMs do not count, those that boot or stand empty do."""
    pool = build.pool(mode="warm", min_vms=3)
    fleet = [build.vm(pool, "vm-1", busy=1), build.vm(pool, "vm-2"), build.vm(pool, "vm-3", VmState.SUBMITTED)]
    plan = step(build.snapshot([pool], [], fleet), Memory())[0]
    assert build.launched(plan) == {"p": 1}
    assert [one.reason.code for one in plan.decisions] == ["launch.warm"]
    assert not step(build.carried_out(build.snapshot([pool], [], fleet), plan), Memory())[0].acts


def test_an_elastic_pool_counts_busy_vms_too(build: Any) -> None:
    """Its minimum is of living VMs, empty or not."""
    pool = build.pool(min_vms=3)
    fleet = [build.vm(pool, "vm-1", busy=8), build.vm(pool, "vm-2", busy=8)]
    assert build.launched(step(build.snapshot([pool], [], fleet), Memory())[0]) == {"p": 1}


def test_a_draining_vm_is_replaced_when_it_is_gone(build: Any) -> None:
    """Until then it occupies its place: a static pool never has more than its VMs."""
    pool = build.pool(mode="static", max_vms=2)
    for state, launched in ((VmState.DRAINING, {}), (VmState.HALTED, {"p": 1})):
        fleet = [build.vm(pool, "vm-1", state), build.vm(pool, "vm-2")]
        assert build.launched(step(build.snapshot([pool], [], fleet), Memory())[0]) == launched


def test_an_idle_vm_stays_while_it_would_be_missed(build: Any) -> None:
    """By its pool's mode: of the living ones, or of the empty ones; and as long as it is young."""
    elastic, warm = build.pool(min_vms=2), build.pool(mode="warm", min_vms=2)
    static, young = build.pool(mode="static", max_vms=9), build.pool(min_life=100.0)
    assert [stays(elastic, living=n, empty=n, age=1e9) for n in (2, 3)] == [True, False]
    assert [stays(warm, living=9, empty=n, age=1e9) for n in (2, 3)] == [True, False]
    assert [stays(static, living=n, empty=n, age=1e9) for n in (9, 10)] == [True, False]
    assert [stays(young, living=1, empty=1, age=age) for age in (99.0, 100.0)] == [True, False]
