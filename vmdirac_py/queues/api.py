"""The contract of a queue: demand for all, and submit, match and report where the queue is ours.

A VM should not take every job that fits (`planner/ends.py`). A queue of our own is told how long jobs last and which
may start (`lasts`). A queue that matches by itself (DIRAC) knows nothing of it: there the CPU time a pilot offers is
the lesser of what is left of the VM's life and of the longest job it should take.
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
from vmdirac_py.planner.gather import Hosts

Lasts = Callable[[TaskQueue], float | None]
"""Tells how long (seconds) a job of a queue is expected to run on a VM, None: it should not start there."""


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
        self, tx: Transaction, vm: str, offer: Offer, wishes: Sequence[Wish], *, at: float, lasts: Lasts, hosts: Hosts
    ) -> Match | None:
        """Try the wishes in order and give the VM the first job in turn that fits and may start, in the transaction.

        `hosts` tells all VMs of the VO: some start nothing for a while, to make room for jobs that are large.
        """
