"""Messages between the driver and the embedded cloud: a length (4 bytes, big endian), then that much JSON.

One connection carries one request and one answer.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HEADER = struct.Struct(">I")
MAX_REQUEST = 1 << 20
MAX_ANSWER = 16 << 20


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment (monotonic seconds) by which a whole exchange must be over."""

    until: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def arm(self, sock: socket.socket) -> None:
        """Let the next socket call end by the deadline.

        Raises:
            TimeoutError: it is already over.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        sock.settimeout(left)


def send(sock: socket.socket, message: Mapping[str, Any], *, limit: int, deadline: Deadline) -> None:
    """Send one message.

    Raises:
        ValueError: it is longer than `limit` bytes; nothing was sent.
        OSError: the connection failed or the deadline passed.
    """
    data = json.dumps(message).encode()
    if len(data) > limit:
        raise ValueError(f"a message of {len(data)} bytes is over the limit of {limit}")
    deadline.arm(sock)
    sock.sendall(HEADER.pack(len(data)) + data)


def receive(sock: socket.socket, *, limit: int, deadline: Deadline) -> dict[str, Any]:
    """Receive one message.

    Raises:
        ValueError: not a JSON object, or longer than `limit` bytes.
        OSError: the connection failed or ended early, or the deadline passed.
    """
    (length,) = HEADER.unpack(_exactly(sock, HEADER.size, deadline))
    if length > limit:
        raise ValueError(f"a message of {length} bytes is over the limit of {limit}")
    message = _parse(_exactly(sock, length, deadline))
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")  # noqa: TRY004 -- the peer erred, not our caller
    return message


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("a message is nested too deeply") from None


def _exactly(sock: socket.socket, length: int, deadline: Deadline) -> bytes:
    data = bytearray()
    while len(data) < length:
        deadline.arm(sock)
        piece = sock.recv(min(length - len(data), 1 << 16))
        if not piece:
            raise ConnectionResetError("the connection ended early")
        data += piece
    return bytes(data)
