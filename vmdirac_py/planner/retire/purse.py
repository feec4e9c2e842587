"""VMs that nobody pays for any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from vmdirac_py.model.inventory import Vo
from vmdirac_py.model.reason import Reason
from vmdirac_py.planner.accounts import period_seconds, spent_by

from .policy import Candidate, Proof, Terms
from .view import View


class OverBudget:
    """Its VO has spent its budget and wants that to end VMs (`vo_budget_drain`)."""

    terms: ClassVar[Terms] = Terms(Proof.ASKED, frozenset(), busy=True)

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield the VMs of such VOs that cost."""
        vos = view.snapshot.inventory.vos.values()
        spent = {vo.name: reason for vo in vos if (reason := _spent(vo, view))}
        for one in view.alive if spent else ():
            pool = view.pools.get(one.vm.pool)
            if pool and pool.price and pool.vo == one.vm.vo and pool.vo in spent:
                yield one, spent[pool.vo]


def _spent(vo: Vo, view: View) -> Reason | None:
    """Return that a VO's budget is spent, and until when; None: it is not, or drains nobody."""
    if vo.budget is None or not vo.budget_drain:
        return None
    spent = spent_by(view.memory, vo, view.at)
    if spent.amount < vo.budget:
        return None
    return Reason.of("over.budget", vo=vo.name, budget=vo.budget, until=int(spent.since + period_seconds(vo)))
