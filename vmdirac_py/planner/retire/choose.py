"""Asking the policies: who goes, and why others that should go may not yet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from vmdirac_py.lifecycle.states import EDGES
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.memory import Memory

from .caps import Caps
from .doubts import Doubts, doubts_of
from .judge import Group, Judge, Simulate
from .order import emptiest_youngest
from .policy import Candidate, Policy, Proof, Terms
from .registry import POLICIES
from .retirement import Retirement, drains
from .view import View

Candidates = list[Candidate]
NEEDED = Reason.of("retire.needed")


def retire(
    snapshot: Snapshot,
    memory: Memory,
    simulate: Simulate,
    *,
    policies: Sequence[Policy] = POLICIES,
) -> Retirement:
    """Return which VMs to drain now; draining never ends a payload.

    Args:
        snapshot: the world; its demand is complete and fresh.
        memory: the planner's, with what it has seen of demand (`Memory.seen`) up to this snapshot.
        simulate: the planner's outlook without the VMs it is given (for none of them: the present plan).
        policies: who is asked, in this order.
    """
    choice = _Choice(View.of(snapshot, memory), Judge(simulate))
    for policy in policies:
        choice.ask(policy)
    return choice.result()


class _Choice:
    """Those chosen so far, with their reasons, and what held others back."""

    def __init__(self, view: View, judge: Judge) -> None:
        self._view, self._judge = view, judge
        self._chosen: dict[str, Candidate] = {}
        self._held: defaultdict[str, dict[Reason, None]] = defaultdict(dict)

    @cached_property
    def _doubts(self) -> Mapping[str, Doubts]:
        return doubts_of(self._view)

    @cached_property
    def _caps(self) -> Caps:
        return Caps(self._view.snapshot)

    @cached_property
    def _taken(self) -> Counter[str]:
        return Counter(one.vm.pool for one in self._view.alive if one.vm.state is not VmState.NEW)

    @cached_property
    def _draining(self) -> Counter[str]:
        return Counter(one.vm.pool for one in self._view.snapshot.fleet if one.vm.state is VmState.DRAINING)

    def ask(self, policy: Policy) -> None:
        """Let a policy name candidates, and choose of them who may go now."""
        terms = policy.terms
        able = self._able(policy.candidates(self._view), terms)
        if not able:
            return
        able.sort(key=lambda one: emptiest_youngest(one[0]))
        spared = self._spared(self._few(self._sure(able, terms), terms), terms)
        for one in self._capped(spared):
            self._chosen[one[0].vm.id] = one
            self._draining[one[0].vm.pool] += 1
        if spared:
            self._view = replace(self._view, leaving=frozenset(self._chosen))

    def _able(self, found: Iterable[Candidate], terms: Terms) -> Candidates:
        return [
            one
            for one in found
            if one[0].vm.id not in self._chosen
            and VmState.DRAINING in EDGES[one[0].vm.state]
            and (terms.busy or not one[0].busy_slots)
            and (terms.proof is Proof.ASKED or self._view.age(one[0]) >= self._view.pool(one[0]).min_life)
        ]

    def _sure(self, found: Candidates, terms: Terms) -> Candidates:
        """Leave out VMs of endpoints about which there is a doubt this policy heeds."""
        return self._keep(found, lambda one: self._doubt(one, terms))

    def _doubt(self, one: Candidate, terms: Terms) -> Reason | None:
        doubts = self._doubts.get(one[0].vm.endpoint, {})
        return next((reason for doubt, reason in doubts.items() if doubt in terms.heeds), None)

    def _few(self, found: Candidates, terms: Terms) -> Candidates:
        """Leave out what would let more than the policy's share of a pool drain at once."""
        if terms.share >= 1:
            return found
        room = {pool: self._share(pool, terms) - self._draining[pool] for pool in {one[0].vm.pool for one in found}}
        return self._keep(found, lambda one: self._crowded(one, room, terms))

    def _share(self, pool: str, terms: Terms) -> int:
        return max(1, int(terms.share * (self._taken[pool] + self._draining[pool])))

    def _crowded(self, one: Candidate, room: dict[str, int], terms: Terms) -> Reason | None:
        pool = one[0].vm.pool
        room[pool] -= 1
        return Reason.of("retire.gradual", pool=pool, percent=int(100 * terms.share)) if room[pool] < 0 else None

    def _spared(self, found: Candidates, terms: Terms) -> Candidates:
        """Leave out what the planner would miss."""
        by_pool: defaultdict[str, list[str]] = defaultdict(list)
        for capacity, _ in found:
            by_pool[capacity.vm.pool].append(capacity.vm.id)
        groups = [Group(pool, tuple(by_pool[pool])) for pool in sorted(by_pool)]
        spared = self._judge.spared(frozenset(self._chosen), groups, terms.proof)
        return self._keep(found, lambda one: None if one[0].vm.id in spared else NEEDED)

    def _capped(self, found: Candidates) -> Candidates:
        return self._keep(found, self._over_cap)

    def _over_cap(self, one: Candidate) -> Reason | None:
        endpoint = one[0].vm.endpoint
        if self._caps.take(endpoint):
            return None
        return Reason.of("retire.capped", endpoint=endpoint, max=self._caps.most[endpoint])

    def _keep(self, found: Candidates, hindrance: Callable[[Candidate], Reason | None]) -> Candidates:
        """Return those without a hindrance, and note the hindrances of the others."""
        kept = []
        for one in found:
            reason = hindrance(one)
            if reason is None:
                kept.append(one)
            else:
                self._held[one[0].vm.pool][reason] = None
        return kept

    def result(self) -> Retirement:
        """Return the drains, and what holds others back."""
        return Retirement(drains(self._chosen.values()), {pool: tuple(held) for pool, held in self._held.items()})
