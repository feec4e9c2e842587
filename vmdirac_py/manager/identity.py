"""Who is calling: the one source of identity. It is the TLS connection, never a header or a body."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.operations.api import Context
from vmdirac_py.operations.callers import known

from .errors import Unauthenticated

MEND = "enrol for a certificate, and renew it in time"


@dataclass(frozen=True, slots=True)
class Peer:
    """A VM whose certificate holds now; `not_after` in epoch seconds."""

    vm: str
    vo: str
    not_after: float


def peer(request: Request, *, at: float) -> Peer:
    """Return the VM at the other end of the connection.

    Raises:
        Unauthenticated: it showed no certificate of a VM, or one that no longer holds at `at` (epoch seconds).
    """
    identity = getattr(request.state, "peer", None)
    if identity is None:
        raise Unauthenticated("this needs the certificate of a VM", where=request.url.path, mend=MEND)
    if at > identity.not_after:
        raise Unauthenticated("the certificate has expired", where=identity.vm, mend=MEND)
    return Peer(identity.vm, identity.vo, identity.not_after)


def admit(ctx: Context, caller: Peer) -> None:
    """Hold a peer against the ledger: a revoked certificate is that of a VM whose life is over.

    Raises:
        Unauthenticated: the ledger knows no such VM (now: a restored one may learn of it from the next listing).
        NotAllowed: the ledger says it is another VO's. VmGone: its life is over.
    """
    try:
        with ctx.ledger.read() as tx:
            known(tx, caller.vm, vo=caller.vo)
    except UnknownThing as error:
        raise Unauthenticated(error.what, where=error.where, mend="keep on asking while work runs") from error
