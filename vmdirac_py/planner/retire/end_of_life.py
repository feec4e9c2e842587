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
        rooms: dict[str, tuple[float, float]] = {}
        for one in view.running:
            name = one.vm.pool
            if name not in rooms:
                pool = view.pool(one)
                room = margin(pool, view.length(one.vm.vo))
                rooms[name] = room, view.at - pool.max_life + room
            room, made = rooms[name]
            if one.vm.created_at <= made:
                yield one, Reason.of("retire.end_of_life", pool=name, seconds=int(room))


def margin(pool: Pool, length: float) -> float:
    """Return how many seconds before its end a VM is drained, where a job is expected to run for `length` seconds."""
    return min(LARGEST_SHARE * pool.max_life, max(LEAST_MARGIN, length))
