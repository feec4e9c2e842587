"""The queue that lives in our own ledger."""

from __future__ import annotations

from collections.abc import Sequence

from vmdirac_py.ledger.api import Ledger, Transaction
from vmdirac_py.model.fit import Offer, Wish, cores_given
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Demand, TaskQueue
from vmdirac_py.planner.gather import Hosts

from .api import Lasts, Match
from .choosing import choices

SOURCE = "embedded"


class EmbeddedQueue:
    """Task queues made of the ledger's waiting jobs; implements `MatchingQueue`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def demand(self, pools: Sequence[Pool], *, at: float) -> Demand:  # noqa: ARG002 - other queues must be asked by pool
        """Return all waiting work; always complete, because it is our own."""
        with self._ledger.read() as tx:
            return Demand(at=at, complete=True, source=SOURCE, queues=tuple(tx.jobs.queues()))

    def match(
        self, tx: Transaction, vm: str, offer: Offer, wishes: Sequence[Wish], *, at: float, lasts: Lasts, hosts: Hosts
    ) -> Match | None:
        """Give the VM the first job that fits and may start, wish by wish; None when nothing does."""
        for queue in choices(tx.jobs.queues(vo=offer.vo), vm, offer, wishes, at=at, lasts=lasts, hosts=hosts):
            if match := _take(tx, queue, vm, offer, at):
                return match
        return None


def _take(tx: Transaction, queue: TaskQueue, vm: str, offer: Offer, at: float) -> Match | None:
    cores = cores_given(queue.shape, offer)
    job = tx.jobs.take(queue.id, vm, cores, at=at)
    return Match(job, cores) if job else None
