"""Pools whose campaign is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from vmdirac_py.model.reason import Reason

from .policy import FOR_WISHES, Candidate, Terms
from .view import View


class CampaignOver:
    """The campaign its pool was made for has ended."""

    terms: ClassVar[Terms] = FOR_WISHES

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield all VMs of such pools."""
        pools = view.pools.values()
        over = {pool.name: end for pool in pools if (end := pool.campaign_end) and end <= view.at}
        for one in view.alive if over else ():
            end = over.get(one.vm.pool)
            if end:
                yield one, Reason.of("retire.campaign", pool=one.vm.pool, since=int(end))
