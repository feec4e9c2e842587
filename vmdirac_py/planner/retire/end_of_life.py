"""VMs near the end of their life take no more jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.reason import Reason

from .policy import Candidate, Doubt, Proof, Terms
from .view import View

LEAST_MARGIN = 60.0
LARGEST_SHARE = 0.1
"""A margin is at most this part of a life, however long the jobs are."""


class EndOfLife:
    """What is left of its life is less than a job of its VO is expected to run, or than a minute."""

    terms: ClassVar[Terms] = Terms(Proof.REPLACED, frozenset({Doubt.LISTING, Doubt.SILENCE}), busy=True)

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield VMs that have less left than a job needs."""
        for one in view.running():
            room = margin(view.pool(one), view.length(one.vm.vo))
            if view.left(one) <= room:
                yield one, Reason.of("retire.end_of_life", pool=one.vm.pool, seconds=int(room))


def margin(pool: Pool, length: float) -> float:
    """Return how many seconds before its end a VM is drained, where a job is expected to run for `length` seconds."""
    return min(LARGEST_SHARE * pool.max_life, max(LEAST_MARGIN, length))
