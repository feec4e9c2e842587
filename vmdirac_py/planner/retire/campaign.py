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
        over = {name: pool for name, pool in view.pools.items() if pool.campaign_end and pool.campaign_end <= view.at}
        for one in view.alive if over else ():
            pool = over.get(one.vm.pool)
            if pool:
                yield one, Reason.of("retire.campaign", pool=pool.name, since=int(pool.campaign_end))
