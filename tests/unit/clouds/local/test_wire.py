"""Messages on a socket: whole, bounded, in time."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmdirac_py.clouds.local.wire import HEADER, Deadline, receive, send

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20)
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Return two ends of a connection."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.dictionaries(st.text(), JSON))
def test_what_is_sent_arrives(pair: Pair, message: dict[str, Any]) -> None:
    """Any JSON object arrives as it was sent."""
    send(pair[0], message, limit=1 << 16, deadline=Deadline.after(5))
    assert receive(pair[1], limit=1 << 16, deadline=Deadline.after(5)) == message


def test_too_long_is_not_sent(pair: Pair) -> None:
    """A message over the limit is not sent at all."""
    with pytest.raises(ValueError, match="limit"):
        send(pair[0], {"x": "y" * 100}, limit=50, deadline=Deadline.after(5))
    pair[0].close()
    assert pair[1].recv(1) == b""


def test_too_long_is_not_read(pair: Pair) -> None:
    """A message that announces more than the limit is refused before it is read."""
    pair[0].sendall(HEADER.pack(1 << 30))
    with pytest.raises(ValueError, match="limit"):
        receive(pair[1], limit=1 << 20, deadline=Deadline.after(5))


@pytest.mark.parametrize("data", [b"[]", b"nonsense", b"\xff\xfe", b"[" * 200_000])
def test_nonsense_is_refused(pair: Pair, data: bytes) -> None:
    """What is not a JSON object raises ValueError, never anything else."""
    pair[0].sendall(HEADER.pack(len(data)))
    pair[0].settimeout(0)
    pair[1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sent = pair[0].send(data)
    if sent < len(data):
        pair[0].close()
    with pytest.raises((ValueError, ConnectionResetError)):
        receive(pair[1], limit=1 << 20, deadline=Deadline.after(5))


def test_half_a_message(pair: Pair) -> None:
    """A connection that ends in the middle of a message raises ConnectionResetError."""
    pair[0].sendall(HEADER.pack(10) + b"{")
    pair[0].close()
    with pytest.raises(ConnectionResetError):
        receive(pair[1], limit=100, deadline=Deadline.after(5))


def test_the_deadline_holds_for_the_whole_message(pair: Pair) -> None:
    """Silence ends with TimeoutError at the deadline, also when a part has come."""
    pair[0].sendall(HEADER.pack(10) + b"{")
    with pytest.raises(TimeoutError):
        receive(pair[1], limit=100, deadline=Deadline.after(0.05))
