"""What the routes for VMs share: the context, who is calling, and threads for whatever blocks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from fastapi.responses import JSONResponse

from vmdirac_py.base.blobs import Incoming
from vmdirac_py.operations.api import Context

from .beats import Beats
from .identity import Peer, admit, peer
from .messages import plain

PIECE = 1_000_000  # bytes gathered before an upload is written on
THREADS = 8  # the ledger takes one writer at a time; more threads would only wait for it

P = ParamSpec("P")
T = TypeVar("T")


class Office:
    """What the handlers share: the context, the waiting heartbeats, and the threads for blocking work."""

    def __init__(self, ctx: Context, beats: Beats) -> None:
        self.ctx = ctx
        self.beats = beats
        self._threads = CapacityLimiter(THREADS)

    def caller(self, request: Request) -> Peer:
        """Return who is calling. Raises Unauthenticated."""
        return peer(request, at=self.ctx.clock.now())

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that blocks in a thread."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._threads)

    async def ask(
        self, caller: Peer, verb: Callable[Concatenate[Context, str, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a verb for a VM, once the ledger admits it."""

        def admitted() -> T:
            admit(self.ctx, caller)
            return verb(self.ctx, caller.vm, *args, **kwargs)

        return await self.run(admitted)


async def take_in(office: Office, request: Request, incoming: Incoming) -> None:
    """Write the body of a request, piece by piece."""
    gathered = bytearray()
    async for piece in request.stream():
        gathered += piece
        if len(gathered) >= PIECE:
            await office.run(incoming.write, bytes(gathered))
            gathered.clear()
    await office.run(incoming.write, bytes(gathered))


def office_of(request: Request) -> Office:
    """Return the office of the application that serves this request."""
    office: Office = request.app.state.office
    return office


def answer(message: Any, *, status: int = 200) -> JSONResponse:
    """Return a message of the wire format as an answer."""
    return JSONResponse(plain(message), status)
