"""VMs on which nothing has run for long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from vmdirac_py.model.inventory import BILLING_BOUNDARY, NEVER, Pool
from vmdirac_py.model.reason import Reason

from .policy import FOR_EMPTY_ONES, Candidate, Terms
from .view import View

BEATS_OF_GRACE = 2.0
"""A worker that is idle leaves by itself; so many heartbeats later it is told to."""


def patience(pool: Pool) -> float:
    """Return for how many seconds an empty VM is let be; one that is paid for in advance, until that is used up."""
    paid = pool.billing_seconds if BILLING_BOUNDARY in pool.stop_policies else 0.0
    return pool.idle_seconds + paid + BEATS_OF_GRACE * pool.heartbeat_seconds


def lasts(pool: Pool) -> bool:
    """Tell whether VMs of a pool stay for want of work, because nobody but a person ends them."""
    return NEVER in pool.stop_policies


class Idle:
    """Nothing ran on it for `pool_idle_seconds`, and no waiting job needs it."""

    terms: ClassVar[Terms] = FOR_EMPTY_ONES

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield VMs that should have left by themselves."""
        for one in view.empty:
            pool = view.pool(one)
            if one.idle_since and not lasts(pool) and view.at - one.idle_since >= patience(pool):
                yield one, Reason.of("retire.idle", seconds=int(pool.idle_seconds))
