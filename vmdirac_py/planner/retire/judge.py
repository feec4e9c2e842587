"""Whether VMs can be spared: the same planner's plan without them, compared with the plan with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from vmdirac_py.model.plan import Action, Plan

from .policy import Proof

MOST_TRIES = 64
"""Plans made for one policy; what is not proved by then is asked about again by the next step."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a plan comes to: the VMs it launches by pool, and the jobs without a place, held ones included."""

    launches: Mapping[str, int]
    unplaced: int

    @classmethod
    def of(cls, plan: Plan) -> Outlook:
        """Return the outlook of a plan."""
        launches = Counter[str]()
        for one in plan.decisions:
            if one.action is Action.LAUNCH:
                launches[one.pool] += one.count
        return cls(launches, sum(placed.unplaced + placed.held for placed in plan.placements))


Simulate = Callable[[frozenset[str]], Outlook]
"""The planner's outlook without these VMs, and without looking at retirements."""


def _placed(before: Outlook, after: Outlook, _pools: Collection[str]) -> bool:
    return after.unplaced <= before.unplaced


def _unneeded(before: Outlook, after: Outlook, pools: Collection[str]) -> bool:
    more = any(count > before.launches.get(pool, 0) for pool, count in after.launches.items())
    return not more and _placed(before, after, pools)


def _moved(before: Outlook, after: Outlook, pools: Collection[str]) -> bool:
    return not any(after.launches.get(pool) for pool in pools) and _placed(before, after, pools)


PROOFS: Mapping[Proof, Callable[[Outlook, Outlook, Collection[str]], bool]] = {
    Proof.UNNEEDED: _unneeded,
    Proof.REPLACED: _placed,
    Proof.MOVED: _moved,
}


@dataclass(frozen=True, slots=True)
class Group:
    """VMs of one pool, in the order in which they go."""

    pool: str
    vms: tuple[str, ...]


class Judge:
    """Finds which candidates can be spared in few plans: all together, else by halves of pools, else from the front."""

    def __init__(self, simulate: Simulate) -> None:
        self._simulate = cache(simulate)

    def spared(self, gone: frozenset[str], groups: Sequence[Group], proof: Proof) -> frozenset[str]:
        """Return which of these VMs can go, where those in `gone` go anyway."""
        if proof is Proof.ASKED or not groups:
            return _vms(groups)
        return _Trial(self._simulate, gone, proof).most(frozenset(), groups)


class _Trial:
    """One policy's candidates before the judge."""

    def __init__(self, simulate: Simulate, gone: frozenset[str], proof: Proof) -> None:
        self._simulate, self._gone, self._holds = simulate, gone, PROOFS[proof]
        self._before = simulate(gone)
        self._tries = MOST_TRIES

    def most(self, spared: frozenset[str], groups: Sequence[Group]) -> frozenset[str]:
        """Return which of these can go besides those spared already."""
        if self._can_go(spared, groups):
            return _vms(groups)
        if len(groups) == 1:
            return self._front(spared, groups[0])
        half = len(groups) // 2
        first = self.most(spared, groups[:half])
        return first | self.most(spared | first, groups[half:])

    def _front(self, spared: frozenset[str], group: Group) -> frozenset[str]:
        """Return the longest run from the front that can go, by bisection; all together cannot."""
        low, high = 0, len(group.vms)
        while high - low > 1:
            middle = (low + high) // 2
            fits = self._can_go(spared, [Group(group.pool, group.vms[:middle])])
            low, high = (middle, high) if fits else (low, middle)
        return frozenset(group.vms[:low])

    def _can_go(self, spared: frozenset[str], groups: Sequence[Group]) -> bool:
        if not self._tries:
            return False
        self._tries -= 1
        after = self._simulate(self._gone | spared | _vms(groups))
        return self._holds(self._before, after, [group.pool for group in groups])


def _vms(groups: Sequence[Group]) -> frozenset[str]:
    return frozenset(vm for group in groups for vm in group.vms)
