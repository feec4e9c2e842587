"""The contract of a queue: demand for all, and submit, match and report where the queue is ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.fit import Offer, Wish
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.job import Job
from vmdirac_py.model.queue import Demand


class Queue(Protocol):
    """A source of demand."""

    def demand(self, pools: Sequence[Pool], *, at: float) -> Demand:
        """Return the waiting work that these pools might serve."""


@dataclass(frozen=True, slots=True)
class Match:
    """A job given to a VM with so many cores, of the norm's CPU power times `benchmark`."""

    job: Job
    cores: int
    benchmark: float = 1.0

    @property
    def most_seconds(self) -> int:
        """Return how long its payload may run there to use the CPU time it asked for, whole seconds."""
        return ceil(self.job.spec.shape.cpu_seconds / self.benchmark)


class MatchingQueue(Queue, Protocol):
    """A queue of our own, which also hands out jobs."""

    def match(self, tx: Transaction, vm: str, offer: Offer, wishes: Sequence[Wish], *, at: float) -> Match | None:
        """Try the wishes in order and give the first fitting job to the VM, within the caller's transaction."""
