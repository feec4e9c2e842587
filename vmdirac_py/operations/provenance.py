"""Where VMs come from and who ended them: batches, the plans that wrote them, the inventories those looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

from vmdirac_py.ledger.api import PlanRecord, Transaction
from vmdirac_py.model.batch import Batch, BatchKind, BatchState
from vmdirac_py.model.vm import Vm

SHORT = 12
"""Characters of a fingerprint or commit that are shown."""
SETTLED = (BatchState.ANSWERED, BatchState.CLOSED)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened or holds: when (epoch seconds), what, and until when it held (0.0: a moment).

    `plan` and `revision` (an inventory's fingerprint) say who decided it, where a plan did.
    """

    at: float
    text: str
    until: float = 0.0
    holds: bool = False
    plan: str = ""
    revision: str = ""

    @property
    def is_moment(self) -> bool:
        """Tell whether it happened, rather than held."""
        return not (self.holds or self.until)

    def touches(self, since: float, until: float) -> bool:
        """Tell whether it happened or held at any time from `since` to `until`."""
        ended = self.at if self.is_moment else inf if self.holds else self.until
        return self.at <= until and (ended > since or self.at >= since)

    def clipped(self, since: float, until: float) -> Line:
        """Return the part of what held that lies within a time."""
        if until == inf:
            return replace(self, at=max(self.at, since))
        return replace(self, at=max(self.at, since), until=until if self.holds else min(self.until, until), holds=False)


def by_plan(tx: Transaction, record: PlanRecord | None, line: Line) -> Line:
    """Return a line with the plan that decided it, and with what inventory."""
    if record is None:
        return line
    inventory = tx.revisions.get(record.revision)
    commit = f" of commit {inventory.commit[:SHORT]}" if inventory and inventory.commit else ""
    text = f"{line.text} (plan {record.id}, inventory {record.revision[:SHORT]}{commit})"
    return replace(line, text=text, plan=record.id, revision=record.revision)


def of_vm(tx: Transaction, vm: Vm) -> Iterator[Line]:
    """Yield the batches that asked for a VM and for its end."""
    for batch_id in (vm.batch, vm.retire_batch):
        batch = tx.batches.get(batch_id) if batch_id else None
        if batch:
            yield _told(tx, batch)


def of_pool(tx: Transaction, pool: str) -> Iterator[Line]:
    """Yield what was asked of the cloud for a pool, and what it gave."""
    for batch in tx.batches.in_states(tuple(BatchState), pool=pool, kind=BatchKind.LAUNCH):
        yield _told(tx, batch)


def _told(tx: Transaction, batch: Batch) -> Line:
    asked = f"{batch.actor} wrote {batch.kind} batch {batch.id} of {batch.wanted} VMs: {_answer(batch)}"
    return by_plan(tx, tx.plans.record(batch.plan) if batch.plan else None, Line(batch.created_at, asked))


def _answer(batch: Batch) -> str:
    if batch.state not in SETTLED:
        return f"it is {batch.state}"
    refused = f", {batch.refused} refused" if batch.refused else ""
    error = f" ({batch.error_class})" if batch.error_class else ""
    done = "launched" if batch.kind is BatchKind.LAUNCH else "ended"
    return f"{batch.launched} {done}{refused}{error}"
