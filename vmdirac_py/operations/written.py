"""What stands written for an endpoint, sent as it is found: also what is written while the sender is at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vmdirac_py.model.batch import BatchKind, BatchState

from .api import BatchReport, Context
from .launches import launch
from .retirements import retire

STAY_SECONDS = 20.0  # how long a sender goes on looking for more before it ends and another is started

Send = Callable[..., BatchReport]
SENDERS: Mapping[BatchKind, Send] = {BatchKind.LAUNCH: launch, BatchKind.RETIRE: retire}


def written(ctx: Context, endpoint: str, kind: BatchKind) -> list[str]:
    """Return the ids of the batches of this kind that wait to be sent to an endpoint, oldest first."""
    with ctx.ledger.read() as tx:
        found = tx.batches.in_states((BatchState.WRITTEN,), endpoint=endpoint, kind=kind)
    return [batch.id for batch in found]


def send_written(ctx: Context, endpoint: str, kind: BatchKind, *, actor: str) -> list[BatchReport]:
    """Send all that is written for an endpoint, look again, and end when nothing is left or `STAY_SECONDS` are over.

    Starting a sender costs more than a second of processor time; what is written meanwhile need not wait for the next.
    """
    until = ctx.clock.now() + STAY_SECONDS
    reports: list[BatchReport] = []
    while found := written(ctx, endpoint, kind):
        reports += [SENDERS[kind](ctx, batch, actor=actor) for batch in found]
        if ctx.clock.now() >= until:
            break
    return reports
