"""Bodies are bounded before anything reads them: in size by path, and in patience between two pieces.

A pure ASGI layer outside the framework: what a client announces to be too big is refused unread; what it streams is
counted on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import TooBig, TooSlow, answer, tell

PIECE_SECONDS = 30.0

Limit = Callable[[Scope], int]


class BodyLimits:
    """An application whose request bodies are bounded.

    Args:
        app: the application within.
        limit: returns how many bytes the body of a request may have.
        seconds: how long to wait for the next piece of a body.
    """

    def __init__(self, app: ASGIApp, limit: Limit, *, seconds: float = PIECE_SECONDS) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the application's lifespan)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _announced(scope) > self._limit(scope):
            response = answer(error := _too_big(self._limit(scope)))
            tell(scope, response.status_code, error)
            await response(scope, receive, send)
        else:
            await self._app(scope, _Counted(receive, self._limit(scope), self._seconds), send)


class _Counted:
    """A `receive` that raises TooBig or TooSlow within the application, which answers it as any error."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._count = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()  # waits for the client to hang up, as long as the answer takes
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow("the body stopped coming", mend=f"send a piece every {self._seconds:.0f} s") from None
        self._count += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._count > self._limit:
            raise _too_big(self._limit)
        return message


def _announced(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths else 0  # the parser before us lets only digits pass


def _too_big(limit: int) -> TooBig:
    return TooBig("the body is too big", where="body", mend=f"send at most {limit} bytes")
