"""The planner's one entry: a snapshot and a memory in, a plan with reasons and the next memory out."""

from __future__ import annotations

from functools import cache, partial

from vmdirac_py.model.plan import Placement, Plan, PoolNote, Snapshot
from vmdirac_py.model.queue import Demand, TaskQueue
from vmdirac_py.model.reason import Reason

from .accounts import counted
from .memory import Memory, fold, learned, notice
from .planning import Planning
from .retire.choose import retire
from .retire.judge import Outlook

OLDEST_DEMAND = 300.0


def step(snapshot: Snapshot, memory: Memory) -> tuple[Plan, Memory]:
    """Decide what to launch and drain now, and say why; pure, the only time is `snapshot.at`.

    Demand that is incomplete or older than 300 s starts and retires nothing.
    """
    memory = _after(memory, snapshot)
    unfit = _unfit(snapshot.demand, snapshot.at)
    if unfit:
        return _standstill(snapshot, unfit), memory
    memory = notice(memory, snapshot)
    return _decide(snapshot, memory), memory


def _after(memory: Memory, snapshot: Snapshot) -> Memory:
    memory = counted(fold(memory, snapshot.outcomes, snapshot.inventory.pools), snapshot)
    return learned(memory, snapshot.finished, snapshot.fleet, snapshot.at)


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
    planned = cache(partial(_planned, snapshot, memory))
    retired = retire(snapshot, memory, lambda without: Outlook.of(planned(without)))
    plan = planned(retired.vms)
    decisions = (*plan.decisions, *retired.decisions)
    return Plan(plan.at, decisions, plan.placements, retired.noted(plan.pools), plan.ends)


def _planned(snapshot: Snapshot, memory: Memory, leaving: frozenset[str]) -> Plan:
    """Return the plan that launches what is needed when these VMs go; it drains nothing."""
    return Planning(snapshot, memory, leaving).plan()
