"""Leases as processes hold them: a holder that surely died on this machine does not make others wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vmdirac_py.base.processes import own_name, surely_dead
from vmdirac_py.ledger.api import Lease

from .api import Context

PLAN = "plan"
SECONDS = 120.0


def endpoint_lease(endpoint: str) -> str:
    """Return the name of the lease that makes one process the only actor on an endpoint."""
    return f"endpoint:{endpoint}"


def take(ctx: Context, name: str, *, actor: str, seconds: float = SECONDS) -> Lease:
    """Take or renew a lease for this process.

    Raises:
        LeaseHeld: another process holds it, and is not known to be dead.
    """
    with ctx.ledger.write() as tx:
        for lease in tx.leases.holders():
            if lease.name == name and surely_dead(lease.owner):
                tx.leases.release(lease)
        return tx.leases.take(name, own_name(actor), seconds)


def give_back(ctx: Context, lease: Lease) -> None:
    """Give a lease back; one that was lost meanwhile is let be."""
    with ctx.ledger.write() as tx:
        tx.leases.release(lease)


@contextmanager
def held(ctx: Context, name: str, *, actor: str) -> Iterator[Lease]:
    """Hold a lease for the length of a `with`.

    Raises:
        LeaseHeld: another process holds it.
    """
    lease = take(ctx, name, actor=actor)
    try:
        yield lease
    finally:
        give_back(ctx, lease)
