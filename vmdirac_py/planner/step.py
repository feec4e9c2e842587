"""The planner's one entry: a snapshot and a memory in, a plan with reasons and the next memory out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache, partial

from vmdirac_py.model.plan import Action, Decision, Placement, Plan, PoolNote, Snapshot
from vmdirac_py.model.queue import Demand, TaskQueue
from vmdirac_py.model.reason import Reason

from .assign import Assignment, Pass, Served
from .explain import pool_notes
from .grow import minimums
from .kinds import capacity_keys
from .limits import limits_of
from .memory import Memory, fold, notice
from .retire.choose import retire
from .retire.judge import Outlook

OLDEST_DEMAND = 300.0
MOST_PASSES = 8


def step(snapshot: Snapshot, memory: Memory) -> tuple[Plan, Memory]:
    """Decide what to launch and drain now, and say why; pure, the only time is `snapshot.at`.

    Demand that is incomplete or older than 300 s starts and retires nothing.
    """
    memory = fold(memory, snapshot.outcomes)
    unfit = _unfit(snapshot.demand, snapshot.at)
    if unfit:
        return _standstill(snapshot, unfit), memory
    memory = notice(memory, snapshot)
    return _decide(snapshot, memory), memory


def _unfit(demand: Demand, at: float) -> Reason | None:
    if not demand.complete:
        return Reason.of("demand.incomplete", source=demand.source)
    if at - demand.at > OLDEST_DEMAND:
        return Reason.of("demand.stale", source=demand.source, since=int(demand.at))
    return None


def _standstill(snapshot: Snapshot, reason: Reason) -> Plan:
    queues = [queue for queue in snapshot.demand.queues if queue.waiting]
    placements = (Placement(one.id, one.vo, 0, 0, 0, one.waiting, (reason,)) for one in sorted(queues, key=_id))
    notes = (PoolNote(name, (reason,)) for name in sorted(snapshot.inventory.pools))
    return Plan(snapshot.at, (), tuple(placements), tuple(notes))


def _id(queue: TaskQueue) -> str:
    return queue.id


def _decide(snapshot: Snapshot, memory: Memory) -> Plan:
    assigned = cache(partial(_assigned, snapshot, memory))
    retired = retire(snapshot, memory, lambda without: Outlook.of(assigned(without)))
    plan = assigned(retired.vms)
    return Plan(plan.at, (*plan.decisions, *retired.decisions), plan.placements, retired.noted(plan.pools))


def _assigned(snapshot: Snapshot, memory: Memory, leaving: frozenset[str]) -> Plan:
    """Return the plan that launches what is needed when these VMs go; it drains nothing."""
    limits = limits_of(snapshot, memory)
    minimum = minimums(snapshot, limits, leaving)
    assignment = Assignment(snapshot, memory, limits, capacity_keys(snapshot, leaving))
    planned, last = _settle(assignment, minimum)
    launches = tuple(_launch(snapshot, pool, count, last.served.get(pool)) for pool, count in planned.items())
    notes = pool_notes(snapshot.inventory.pools, limits, planned, {one.vo for one in last.placements})
    return Plan(snapshot.at, launches, tuple(last.placements), notes)


def _settle(assignment: Assignment, minimum: Mapping[str, int]) -> tuple[Counter[str], Pass]:
    """Plan until a pass that sees all planned VMs from its start wants no more.

    That last pass is what the next step will see, so the same jobs never cause a second launch.
    """
    planned = Counter(minimum)
    last = assignment.run(planned)
    for _ in range(MOST_PASSES):
        if not last.launches:
            break
        planned += last.launches
        last = assignment.run(planned)
    return planned + last.launches, last


def _launch(snapshot: Snapshot, name: str, count: int, served: Served | None) -> Decision:
    pool = snapshot.inventory.pools[name]
    return Decision(Action.LAUNCH, pool.endpoint, pool.name, pool.vo, count, _cause(pool.min_vms, served))


def _cause(minimum: int, served: Served | None) -> Reason:
    if served:
        return Reason.of("launch.demand", jobs=served.jobs, queues=served.queues)
    return Reason.of("launch.minimum", min=minimum)
