"""The layer that bounds bodies, driven as a server drives it."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from vmdirac_py.manager.errors import TooBig, TooSlow
from vmdirac_py.manager.limits import BodyLimits

LIMIT = 100


async def _read_all(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read a body as any application does, then answer 204."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def serve(pieces: list[bytes], *, length: int | None = None, silent: bool = False) -> tuple[list[Message], int]:
    """Send a request in pieces (`silent`: the last never comes); return what was answered, and the pieces read."""
    sent: list[Message] = []
    left = list(pieces)

    async def receive() -> Message:
        if silent and not left:
            await asyncio.Event().wait()
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": silent or bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(BodyLimits(_read_all, lambda _scope: LIMIT, seconds=0.05)(scope, receive, send))
    return sent, len(pieces) - len(left)


def test_a_body_within_its_limit_passes() -> None:
    """Exactly the limit, in pieces, announced or not, reaches the application."""
    for length in (LIMIT, None):
        assert serve([b"x" * 60, b"x" * 40], length=length)[0][0]["status"] == 204


def test_an_announced_length_is_refused_unread() -> None:
    """One byte too many in the announcement: 413, the connection to be closed, nothing read."""
    sent, read = serve([b"x" * 101], length=101)
    assert (sent[0]["status"], read) == (413, 0)
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_lie_about_the_length_is_found_out() -> None:
    """What really comes is counted, and reading ends with the piece that is too much."""
    with pytest.raises(TooBig):
        serve([b"x" * 60, b"x" * 60, b"x" * 60], length=10)


def test_a_body_that_stops_coming_is_given_up() -> None:
    """A client that holds back the rest of its body is not waited for."""
    with pytest.raises(TooSlow):
        serve([b"x"], silent=True)
