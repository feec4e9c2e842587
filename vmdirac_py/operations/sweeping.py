"""What instances left behind (addresses, ports, volumes), deleted now and then where a driver knows how to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from vmdirac_py.clouds.api import WithSweep
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.batch import BatchKind, BatchState

from .api import Context
from .strangers import blind

SWEEP_SECONDS = 900.0
MOST_TOLD = 100
IN_FLIGHT = (BatchState.CLAIMED, BatchState.UNKNOWN)


def sweep(ctx: Context, endpoint: str, *, actor: str) -> Sequence[str]:
    """Let a driver sweep, at most once in `SWEEP_SECONDS`; return what it deleted, which is an event, too.

    Not while a launch is in flight, whose parts may belong to no instance yet, nor where the ledger is blind.

    Raises:
        UnknownThing: no such endpoint.
        CloudError: the cloud refused; the next try comes as late as after a success.
    """
    driver = ctx.endpoint(endpoint)
    if not hasattr(driver, "sweep") or not _begun(ctx, endpoint):
        return ()
    deleted = cast("WithSweep", driver).sweep()
    if deleted:
        with ctx.ledger.write() as tx:
            data = {"count": len(deleted), "deleted": list(deleted[:MOST_TOLD])}
            tx.events.append("endpoint.swept", subject=endpoint, actor=actor, data=data)
    return deleted


def _begun(ctx: Context, endpoint: str) -> bool:
    """Note that a sweep begins now; False when it is not time to."""
    at, name = ctx.clock.now(), f"swept:{endpoint}"
    with ctx.ledger.write() as tx:
        if at - (tx.documents.load(name) or 0.0) < SWEEP_SECONDS or _hindered(tx, endpoint):
            return False
        tx.documents.save(name, at)
    return True


def _hindered(tx: Transaction, endpoint: str) -> bool:
    return blind(tx, endpoint) or bool(tx.batches.in_states(IN_FLIGHT, endpoint=endpoint, kind=BatchKind.LAUNCH))
