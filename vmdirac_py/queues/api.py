"""The contract of a queue: demand for all, and submit, match and report where the queue is ours.

A VM may have a soft end, by which it should be empty. A queue of our own is told which jobs still suit it (`suits`). A
queue that matches by itself (DIRAC) knows nothing of it: there it shapes the CPU time a pilot offers, which is the
lesser of what is left of the VM's life and of the time to its soft end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.fit import Offer, Wish
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.job import Job
from vmdirac_py.model.queue import Demand, TaskQueue

Suits = Callable[[TaskQueue], bool]
"""Tells whether jobs of a queue may start on a VM, besides that they fit."""


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

    def match(
        self, tx: Transaction, vm: str, offer: Offer, wishes: Sequence[Wish], *, at: float, suits: Suits
    ) -> Match | None:
        """Try the wishes in order and give the first job that fits and suits to the VM, within the transaction."""
