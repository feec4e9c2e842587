"""New VMs for the jobs that found no room: how many, of which pools, and for jobs of what length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.resources import Resources

from .assign import Share
from .cover import Bound, Fill, Machine, Want, cover
from .hold import Patience
from .limits import Limits
from .memory import Memory

FAILURES = 100
"""A pool's preference is its priority times this, less its failures: those only decide among equals."""


class Launch(NamedTuple):
    """New VMs of a pool whose longest job is expected to run for `seconds`, and the jobs they are for."""

    pool: Pool
    count: int
    seconds: float
    jobs: Mapping[Share, int]


class Ask:
    """Jobs that are alike to every machine, longest first."""

    def __init__(self, shares: Sequence[tuple[Share, int]]) -> None:
        self.shares = sorted(shares, key=lambda one: -one[0].group.seconds)
        self.shape = self.shares[0][0].group.shape
        self._at, self._left = 0, self.shares[0][1]

    @property
    def seconds(self) -> float:
        """How long the longest of them is expected to run."""
        return self.shares[self._at][0].group.seconds

    def vms(self, per_vm: int) -> int:
        """Return how many VMs with so many of these jobs each can be filled with jobs of the first length alone."""
        return max(1, self._left // per_vm)

    def take(self, jobs: int) -> Iterator[tuple[Share, int]]:
        """Take the longest so many."""
        while jobs:
            share, count = self.shares[self._at][0], min(jobs, self._left)
            jobs, self._left = jobs - count, self._left - count
            if not self._left and self._at + 1 < len(self.shares):
                self._at += 1
                self._left = self.shares[self._at][1]
            yield share, count


class Launching:
    """Asks for new VMs within the limits; what it holds back is noted in the shares."""

    def __init__(self, limits: Limits, memory: Memory, patience: Patience) -> None:
        self._limits, self._memory, self._patience = limits, memory, patience

    def run(self, shares: Sequence[Share]) -> list[Launch]:
        """Return what to launch now for the jobs of these shares that have no room."""
        asks = self._asks(shares)
        if not asks:
            return []
        pools = list({name: pool for _, fits in asks for name, pool in fits}.values())
        return asks
