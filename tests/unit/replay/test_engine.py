from typing import Any

import pytest

from tests.support.replays import Scripted, Watching, drain, engine, inventory, job, launch, plan, pool, run, trace
from vmdirac_py.model.plan import Action, Plan, Snapshot, SoftEnd
from vmdirac_py.model.queue import LONG_WAIT
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.lengths import Lengths
from vmdirac_py.replay.rules import Production
from vmdirac_py.replay.run import replay
from vmdirac_py.replay.scenario import Boot, Scenario

HOUR = 3600.0
BEGINS = Scenario().begins


def first(count: int = 1, *then: Any) -> Scripted:
    """Launch at the first plan, then what is given plan by plan, then nothing."""
    steps = iter(then)
    begun: list[float] = []

    def says(snapshot: Snapshot) -> Plan:
        if not begun:
            begun.append(snapshot.at)
            return plan(snapshot, launch(pool(), count))
        step = next(steps, None)
        return step(snapshot) if step else plan(snapshot)

    return Scripted(says)


def when_running(does: Any) -> Scripted:
    """Launch a VM at the first plan, and do something once at the first plan that sees it run a job."""
    done: list[Plan] = []

    def says(snapshot: Snapshot) -> Plan:
        if not snapshot.fleet and not done:
            return plan(snapshot, launch(pool()))
        if not done and any(one.busy_slots for one in snapshot.fleet):
            done.append(does(snapshot))
            return done[0]
        return plan(snapshot)

    return Scripted(says)


def test_a_vm_goes_through_its_states() -> None:
    """Plans see a VM New, Submitted, Contextualising, Running and Stopping, and at last no more."""
    rule = Watching()
    run([job(1, seconds=300.0)], [pool(idle_seconds=60.0)], rule, act_seconds=100.0, termination_seconds=90.0)
    seen = list(dict.fromkeys(one.vm.state for snapshot in rule.seen for one in snapshot.fleet))
    assert seen == [VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING, VmState.RUNNING, VmState.STOPPING]


def test_capacity_tells_what_runs() -> None:
    """A snapshot shows free cores and memory, the payloads with their owners, and since when a VM idles."""
    rule = Watching()
    run([job(1, seconds=900.0, min_cores=3, ram_mb=5000, owner="ann", cpu_seconds=1800)], [pool()], rule)
    busy = next(one for snapshot in rule.seen for one in snapshot.fleet if one.busy_slots)
    assert (busy.free.cores, busy.free.ram_mb, busy.idle_since) == (5, 11_000, 0.0)
    assert [(one.owner, one.cores, one.cpu_seconds) for one in busy.runs] == [("ann", 3, 1800)]
    idle = next(one for one in rule.seen[-1].fleet)
    assert (idle.free.cores, idle.runs) == (8, ())
    assert idle.idle_since == pytest.approx(busy.runs[0].since + 900.0)


def test_outcomes_and_ends_are_told_once() -> None:
    """Each answer, boot and ended payload is shown to one plan, with numbers that rise."""
    rule = Watching()
    run([job(n, at=200.0 * n, seconds=100.0 * n) for n in range(20)], [pool()], rule, boot=Boot(200.0))
    told = [one for snapshot in rule.seen for one in (*snapshot.outcomes, *snapshot.finished)]
    numbers = [one.seq for one in told]
    assert len(set(numbers)) == len(numbers)
    assert max(one.seconds for snapshot in rule.seen for one in snapshot.finished) == pytest.approx(1900.0)
    assert {one.seconds for snapshot in rule.seen for one in snapshot.outcomes if one.booted} == {200.0}


def test_queues_are_by_owner_shape_and_priority() -> None:
    """Demand shows one queue for equal jobs, with their number and the oldest submission."""
    rule = Watching()
    jobs = [job(1), job(2, 0.1), job(3, 0.1, owner="bob"), job(4, 0.1, priority=2.0), job(5, 0.1, min_cores=2)]
    run(jobs, [pool()], rule)
    queues = next(snapshot.demand.queues for snapshot in rule.seen if len(snapshot.demand.queues) > 1)
    assert sorted(one.waiting for one in queues) == [1, 1, 1, 2]
    assert min(one.oldest for one in queues) == BEGINS


def test_a_vo_without_vm_is_planned_for_at_once() -> None:
    """The first job of a VO is not gathered with what comes; one of a VO with VMs is, for a fifth of a boot."""
    rule = Watching()
    later = HOUR + 100.0
    run([job(1), job(2, later, min_cores=8)], [pool()], rule)
    at = [snapshot.at - BEGINS for snapshot in rule.seen]
    assert at[0] < 1.0
    assert min(moment for moment in at if moment >= later) - later > 1.0


@pytest.mark.parametrize(("create_seconds", "longest"), [(100.0, 229.2), (0.0, 110.2)])
def test_one_run_at_a_time_on_an_endpoint(create_seconds: float, longest: float) -> None:
    """What is decided while a run waits for the cloud goes with the next one; before it calls, with the same."""
    rule = first(1, lambda snapshot: plan(snapshot, launch(pool())))
    jobs = [job(1, min_cores=8), job(2, 1.0, min_cores=8)]
    act_seconds = 10.0 if create_seconds else 100.0
    result = run(jobs, [pool()], rule, act_seconds=act_seconds, create_seconds=create_seconds, boot=Boot(10.0))
    assert (result.vms_started, result.calls["launch"]) == (2, 2)
    assert max(result.wait_p95, result.wait_mean) == pytest.approx(longest, abs=2.0)


def test_a_drained_vm_takes_no_more_jobs_and_leaves_when_empty() -> None:
    """A drain lets the payload end, gives the VM nothing new, and does not wait for the idle time."""

    def does(snapshot: Snapshot) -> Plan:
        return plan(snapshot, drain(pool(), snapshot.fleet[0].vm.id), launch(pool()))

    jobs = [job(1, seconds=HOUR), job(2, 0.5 * HOUR, seconds=60.0)]
    result = run(jobs, [pool(idle_seconds=0.5 * HOUR)], when_running(does))
    assert (result.unserved, result.vms_started) == (0, 2)
    assert result.paid_core_seconds < 8 * 2 * (HOUR + 600.0)


@pytest.mark.parametrize(("until", "waits"), [(0.0, True), (400_000.0, False)])
def test_a_vm_takes_no_job_beyond_its_reach_unless_a_plan_allows_it(until: float, waits: bool) -> None:  # noqa: FBT001 - a table of cases
    """A day's job waits beside a VM of short ones, until a soft end lets it in or it has waited for long."""

    def does(snapshot: Snapshot) -> Plan:
        return plan(snapshot, ends=(SoftEnd(snapshot.fleet[0].vm.id, BEGINS + until),) if until else ())

    rule = when_running(does)
    rule.lengths = lambda _memory: Lengths()  # type: ignore[attr-defined]
    jobs = [job(1, seconds=HOUR, cpu_seconds=360), job(2, 400.0, seconds=60.0, cpu_seconds=86400)]
    result = run(jobs, [pool()], rule)
    assert (result.vms_started, result.unserved) == (1, 0)
    assert (result.wait_p95 >= LONG_WAIT) is waits


def test_what_is_decided_after_the_last_job_costs_nothing() -> None:
    """Once all jobs are done no VM is launched any more, so every rule pays for its own tail only."""
    rule = Scripted(lambda snapshot: plan(snapshot, launch(pool())))
    result = run([job(1, seconds=60.0)], [pool(idle_seconds=60.0)], rule)
    assert result.seconds < HOUR


def test_vos_keep_to_themselves() -> None:
    """A VM of one VO never runs another VO's job, however long that waits."""
    rule = Watching()
    jobs = [job(n, at=10.0 * n, vo=("red", "green")[n % 2], seconds=100.0) for n in range(100)]
    pools = [pool("red", vo="red"), pool("green", vo="green", max_vms=0)]
    result = run(jobs, pools, rule)
    assert {vo.vo: vo.jobs for vo in result.vos} == {"red": 50, "green": 0}
    owners = {(one.vm.vo, payload.group) for snapshot in rule.seen for one in snapshot.fleet for payload in one.runs}
    assert owners == {("red", "red_user")}


def test_what_is_planned_is_never_more_than_asked() -> None:
    """A rule's launches are carried out one to one."""
    rule = Scripted(lambda snapshot: plan(snapshot) if snapshot.fleet else plan(snapshot, launch(pool(), 3)))
    made = engine([job(1)], [pool()], rule)
    made.run()
    accounts = made.world.accounts
    assert (accounts.vos["vo"].vms, accounts.acting) == (3, 1)
    assert (accounts.vms, accounts.cores, accounts.busy_cores, len(made.world.lines.jobs)) == (0, 0, 0, 1)


def test_virtual_time_never_goes_back() -> None:
    """Plans are made at moments that rise, whatever else happens."""
    rule = Watching()
    replay(
        trace(*(job(n, at=float(n // 10), seconds=float(n)) for n in range(300))),
        inventory(pool(), client_timeout=1.0),
        rule=rule,
        scenario=Scenario(boot=Boot(0.0), act_seconds=0.0, create_seconds=0.0, termination_seconds=0.0),
        seed=1,
    )
    moments = [snapshot.at for snapshot in rule.seen]
    assert moments == sorted(moments)
    assert all(one.vm.created_at <= snapshot.at for snapshot in rule.seen for one in snapshot.fleet)


def test_the_first_memory_is_none() -> None:
    """A rule begins with nothing remembered and gets back what it returned."""
    given: list[Any] = []

    class Remembering(Production):
        def step(self, snapshot: Snapshot, memory: Any) -> Any:
            given.append(memory)
            return super().step(snapshot, None)[0], len(given)

        def lengths(self, memory: Any) -> Any:
            assert memory == len(given)
            return Lengths()

    run([job(1)], [pool()], Remembering())
    assert given[:3] == [None, 1, 2]


def test_actions_are_all_known() -> None:
    """The engine carries out every action there is."""
    assert set(Action) == {Action.LAUNCH, Action.DRAIN}
