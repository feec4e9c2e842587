"""The manager's pulse: VMs can only be silent while somebody listens."""

from __future__ import annotations

from vmdirac_py.ledger.api import Transaction

from .api import Context

DOCUMENT = "manager.pulse"
PERIOD = 10.0  # seconds between two beats
MISSED = 3  # so many missing beats mean that nobody listens


def beat(ctx: Context) -> None:
    """Note that the manager listens; after a gap it listens anew since now."""
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        listening = heard_since(tx, at=at)
        tx.documents.save(DOCUMENT, {"since": at if listening is None else listening, "at": at})


def heard_since(tx: Transaction, *, at: float) -> float | None:
    """Return since when (epoch) the manager has listened without a gap, or None while it does not."""
    last = tx.documents.load(DOCUMENT)
    if last is None or at - last["at"] > MISSED * PERIOD:
        return None
    return float(last["since"])
