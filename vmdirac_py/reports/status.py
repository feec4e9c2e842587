"""One look at everything: queues, fleet, jobs, clouds, and who holds what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from vmdirac_py.ledger.api import Lease, Listing, Transaction
from vmdirac_py.model.job import JobState
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.vm import VmState

WARNINGS = "endpoint.warnings"
"""The document of what was told last, by endpoint (`operations/endpoint_warnings.py` writes it)."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an installation at one moment; counts by (VO, state)."""

    at: float
    queues: tuple[TaskQueue, ...]
    vms: dict[tuple[str, VmState], int]
    jobs: dict[tuple[str, JobState], int]
    listings: tuple[Listing, ...]
    leases: tuple[Lease, ...]
    warnings: tuple[str, ...]
    """What of the endpoints was allowed but unwise in the last cycle."""


def status(tx: Transaction, *, at: float) -> Status:
    """Return the status, read in the caller's transaction."""
    vms: Counter[tuple[str, VmState]] = Counter()
    for (vo, _pool, state), count in tx.vms.counts().items():
        vms[vo, state] += count
    return Status(
        at=at,
        queues=tuple(tx.jobs.queues()),
        vms=dict(vms),
        jobs=tx.jobs.counts(),
        listings=tuple(tx.observations.listings().values()),
        leases=tuple(tx.leases.holders()),
        warnings=tuple(one for told in (tx.documents.load(WARNINGS) or {}).values() for one in told),
    )
