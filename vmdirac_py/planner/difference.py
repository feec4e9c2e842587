"""What one plan does otherwise than another: actions by pool, places of waiting jobs, and reasons."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from vmdirac_py.model.plan import Action, Decision, Placement, Plan
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.value import Count, Value


class Change(Value, frozen=True):
    """An action on a pool that is asked for so many VMs before and after; of drains also which VMs came and went."""

    action: Action
    pool: str
    vo: str
    before: Count
    after: Count
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()


class Shift(Value, frozen=True):
    """Where the waiting jobs of a queue go before and after, without reasons (None: the queue is not in that plan)."""

    queue: str
    before: Placement | None
    after: Placement | None


class OtherReason(Value, frozen=True):
    """A reason of `launch:POOL`, `drain:POOL`, `queue:ID` or `pool:NAME` that came, went, or has other parameters."""

    subject: str
    before: Reason | None
    after: Reason | None


class Difference(Value, frozen=True):
    """Everything that differs between two plans, but for their time and the soft ends of VMs; empty: nothing does."""

    actions: tuple[Change, ...] = ()
    queues: tuple[Shift, ...] = ()
    reasons: tuple[OtherReason, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.actions or self.queues or self.reasons)


def difference(before: Plan, after: Plan) -> Difference:
    """Return what `after` does otherwise than `before`, in a fixed order."""
    return Difference(tuple(_changes(before, after)), tuple(_shifts(before, after)), tuple(_others(before, after)))


Key = tuple[Action, str]


class _Asked:
    """What a plan asks of one pool."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        listed = list(decisions)
        self.vo = listed[0].vo if listed else ""
        self.count = sum(one.count for one in listed)
        self.vms = {vm for one in listed for vm in one.vms}


def _asked(plan: Plan) -> Mapping[Key, _Asked]:
    found: defaultdict[Key, list[Decision]] = defaultdict(list)
    for one in plan.decisions:
        found[one.action, one.pool].append(one)
    return {key: _Asked(decisions) for key, decisions in found.items()}


def _changes(before: Plan, after: Plan) -> Iterator[Change]:
    was, now = _asked(before), _asked(after)
    nothing = _Asked(())
    for key in sorted(was.keys() | now.keys(), key=lambda key: (key[1], key[0])):
        old, new = was.get(key, nothing), now.get(key, nothing)
        came, went = tuple(sorted(new.vms - old.vms)), tuple(sorted(old.vms - new.vms))
        if old.count != new.count or came or went:
            yield Change(*key, new.vo or old.vo, old.count, new.count, came, went)


def _shifts(before: Plan, after: Plan) -> Iterator[Shift]:
    was, now = _places(before), _places(after)
    for queue in sorted(was.keys() | now.keys()):
        if was.get(queue) != now.get(queue):
            yield Shift(queue, was.get(queue), now.get(queue))


def _places(plan: Plan) -> Mapping[str, Placement]:
    return {one.queue: replace(one, reasons=()) for one in plan.placements}


def _others(before: Plan, after: Plan) -> Iterator[OtherReason]:
    was, now = reasons_of(before), reasons_of(after)
    for subject in sorted(was.keys() | now.keys()):
        old, new = was.get(subject, Counter()), now.get(subject, Counter())
        yield from _paired(subject, _listed(old - new), _listed(new - old))


def reasons_of(plan: Plan) -> Mapping[str, Counter[Reason]]:
    """Return all reasons of a plan by what they are about."""
    told = [(f"{one.action}:{one.pool}", one.reason) for one in plan.decisions]
    told += [(f"queue:{one.queue}", reason) for one in plan.placements for reason in one.reasons]
    told += [(f"pool:{one.pool}", reason) for one in plan.pools for reason in one.reasons]
    found: defaultdict[str, Counter[Reason]] = defaultdict(Counter)
    for subject, reason in told:
        found[subject][reason] += 1
    return found


def _listed(reasons: Counter[Reason]) -> list[Reason]:
    return sorted(reasons.elements(), key=repr)


def _paired(subject: str, gone: list[Reason], come: list[Reason]) -> Iterator[OtherReason]:
    """Yield what went and what came; two of the same code are one that changed."""
    left = list(come)
    for old in gone:
        new = next((one for one in left if one.code == old.code), None)
        if new is not None:
            left.remove(new)
        yield OtherReason(subject, old, new)
    for new in left:
        yield OtherReason(subject, None, new)
