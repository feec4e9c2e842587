"""HTTP to the front end: connections that are kept, and calls that end in time whatever the other side does.

A request is sent once. `xmlrpc.client`'s own transport sends it again where a kept connection had died, which for an
instantiate is a second VM.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from vmdirac_py.clouds.api import AnswerLost, Unavailable

from .deadline import Deadline

MAX_ANSWER = 256 * 1024 * 1024  # bytes; what is longer is no answer to anything the driver asks
HEADERS = {"Content-Type": "text/xml", "User-Agent": "vmdirac"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: HTTP status and body."""

    status: int
    body: bytes


class Connections:
    """The connections to one front end; a thread uses one at a time, and leaves it for the next call.

    Args:
        url: `http(s)://HOST:PORT/PATH`.
        tls: how an https server is verified.
        where: the endpoint, for errors.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, where: str) -> None:
        self._parts = urlsplit(url)
        self._path = self._parts.path or "/RPC2"
        self._tls = tls
        self._where = where
        self._idle: deque[HTTPConnection] = deque()

    def post(self, body: bytes, deadline: Deadline) -> Reply:
        """Send a body and return what is answered.

        Raises:
            AnswerLost: it was sent, and no whole answer came in time.
            Unavailable: it was not sent.
        """
        try:
            deadline.left()
        except TimeoutError as error:
            raise Unavailable("no time was left to ask", where=self._where) from error
        connection = self._take() or self._connect(deadline)
        try:
            reply = self._exchange(connection, body, deadline)
        except (OSError, HTTPException) as error:
            connection.close()
            raise AnswerLost(f"the answer was lost: {_words(error)}", where=self._where) from error
        self._idle.append(connection)
        return reply

    def _take(self) -> HTTPConnection | None:
        """Return a kept connection that the other side has not closed meanwhile."""
        while self._idle:
            connection = self._idle.pop()
            if connection.sock is not None and not _readable(connection.sock):
                return connection
            connection.close()
        return None

    def _connect(self, deadline: Deadline) -> HTTPConnection:
        try:
            connection = self._new(deadline.left())
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            mend = "name its authority in endpoint_options.ca_file"
            raise Unavailable(
                f"its certificate is not trusted: {error.verify_message}", where=self._where, mend=mend
            ) from error
        except OSError as error:
            mend = "check endpoint_options.url, and that the front end is up"
            raise Unavailable(f"cannot be reached: {_words(error)}", where=self._where, mend=mend) from error
        return connection

    def _new(self, seconds: float) -> HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return HTTPSConnection(host, port, timeout=seconds, context=self._tls)
        return HTTPConnection(host, port, timeout=seconds)

    def _exchange(self, connection: HTTPConnection, body: bytes, deadline: Deadline) -> Reply:
        connection.sock.settimeout(deadline.left())
        connection.response_class = partial(_response, deadline)  # type: ignore[assignment] # it is only ever called
        connection.request("POST", self._path, body, HEADERS)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read())


class _Timed(io.RawIOBase):
    """What a socket receives until a deadline: a server that sends a byte now and then does not prolong it."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline, self._received = connection, deadline, 0
        self._raw = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self._deadline.left())
        got = self._raw.readinto(buffer) or 0
        self._received += got
        if self._received > MAX_ANSWER:
            raise OSError(f"the answer is longer than {MAX_ANSWER} bytes")
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Source:
    """A socket, as far as HTTPResponse knows one."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._stream = _Timed(connection, deadline)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._stream, 65_536)


def _response(deadline: Deadline, connection: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:
    return HTTPResponse(_Source(connection, deadline), *args, **kwargs)  # type: ignore[arg-type] # it makes a file of it


def _readable(connection: socket.socket) -> bool:
    """Tell whether an idle connection has something to read: its end, or what nobody asked for."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return str(error) or "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
