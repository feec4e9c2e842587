"""A TCP (or TLS) server on loopback that says exactly what it is told to, or nothing."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

Talk = Callable[[socket.socket, threading.Event], None]
LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def take(connection: socket.socket) -> bytes:
    """Take a whole request: who closes with some of it unread breaks the connection instead."""
    taken = b""
    while piece := connection.recv(1 << 16):
        taken += piece
        head, end, body = taken.partition(b"\r\n\r\n")
        length = next(iter(LENGTH.findall(head)), b"0")
        if end and len(body) >= int(length):
            break
    return taken


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Take a request and never answer."""
    take(connection)
    over.wait()


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """Answer by a byte now and then, for much longer than anybody waits."""
    take(connection)
    connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while not over.wait(0.05):
        connection.sendall(b"x")


def saying(answer: bytes) -> Talk:
    """Answer this and close."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        del over
        take(connection)
        connection.sendall(answer)

    return talk


def plain(text: bytes) -> Talk:
    """Answer this text well."""
    return saying(HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(text) + text)


class RawServer:
    """A context manager; `connections` counts who came.

    Args:
        talk: what is said on a connection, until the event says that all is over.
        certificate: certificate and key of a TLS server.
    """

    def __init__(self, talk: Talk, certificate: tuple[Path, Path] | None = None) -> None:
        self._talk = talk
        self._tls = _context(certificate) if certificate else None
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: that is how it ends
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # whoever asked has gone, or does not trust us
            if self._tls:
                with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                    self._talk(wrapped, self._over)
            else:
                self._talk(connection, self._over)


def _context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context
