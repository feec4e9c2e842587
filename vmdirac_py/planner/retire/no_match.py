"""VMs that ask for jobs in vain although jobs wait that fit them: something about them is not as we believe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from msgspec.structs import replace

from vmdirac_py.model.fit import Offer, failing, norm_seconds
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.reason import Reason

from .policy import EVERY_DOUBT, TENTH, Candidate, Proof, Terms
from .view import View

FAILED_MATCHES = 5
"""So many requests in a row brought nothing."""
IN_VAIN_SECONDS = 600.0
"""So long a VM has been empty, and a job that fits it has waited."""
HOUR = 3600.0


class NoMatch:
    """Jobs that fit it have waited for long, it asked again and again, and got none.

    While it stays, the planner counts on it for these jobs; so it goes, and another VM may be launched for them.
    """

    terms: ClassVar[Terms] = Terms(Proof.REPLACED, EVERY_DOUBT, share=TENTH)

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield empty VMs that should have got a job."""
        asking = [one for one in view.empty if one.failed_matches >= FAILED_MATCHES and one.idle_since]
        serves = _Serves(view) if asking else None
        for one in asking:
            in_vain = view.at - one.idle_since >= IN_VAIN_SECONDS
            if in_vain and serves and serves.some(one.vm.pool, view.left(one)):
                yield one, Reason.of("retire.no_match", matches=FAILED_MATCHES)


class _Serves:
    """Which pools could serve a job that has waited for long; asked once per pool and hour of life."""

    def __init__(self, view: View) -> None:
        self._pools = view.pools
        self._waiting: defaultdict[str, dict[object, TaskQueue]] = defaultdict(dict)
        for queue in view.snapshot.demand.queues:
            if queue.waiting and view.at - queue.oldest >= IN_VAIN_SECONDS:
                self._waiting[queue.vo].setdefault(queue.shape, queue)
        self._found = cache(self._find)

    def some(self, pool: str, left: float) -> bool:
        """Tell whether some job would fit an empty VM of this pool with so many seconds left."""
        return self._found(pool, HOUR * (left // HOUR))

    def _find(self, name: str, left: float) -> bool:
        pool = self._pools.get(name)
        if pool is None:
            return False
        offer = replace(Offer.of_pool(pool), seconds_left=norm_seconds(max(0.0, left), pool))
        return any(failing(queue, offer) is None for queue in self._waiting[pool.vo].values())
