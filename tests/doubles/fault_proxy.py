"""An HTTP proxy in front of a real server that hangs, loses answers, refuses or rewrites what it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "date"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way; header names are as sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way back."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def _any(_: Call) -> bool:
    return True


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` calls that match (None: to all until `mend`).

    `seconds` of silence come `before` or after the server acted; `lose` closes the connection instead of answering;
    `reply` answers without asking the server; `edit` changes what the server answered; `send` what it is asked.
    """

    matches: Callable[[Call], bool] = _any
    times: int | None = 1
    seconds: float = 0.0
    before: bool = True
    lose: bool = False
    reply: Reply | None = None
    send: Callable[[Call], Call] | None = None
    edit: Callable[[Call, Reply], Reply] | None = None


class FaultProxy:
    """A context manager: listens on `url`, forwards to `target`, remembers `calls`.

    Args:
        target: `http://host:port` of the real server.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._mended = threading.Event()
        self.calls: list[Call] = []
        self._listen(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.mend()
        self.stop()

    def _listen(self, port: int) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on, and cut those that clients keep."""
        self._server.shutdown()
        self._server.server_close()
        for kept in list(self._open):
            with contextlib.suppress(OSError):  # its client hung up meanwhile
                kept.shutdown(socket.SHUT_RDWR)

    def start(self) -> None:
        """Listen again, on the same port."""
        self._listen(self.port)

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection."""
        self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        self._open.discard(connection)

    def order(self, fault: Fault) -> None:
        """Add a fault; of several that match a call, the one ordered first takes it."""
        with self._lock:
            self._mended.clear()
            self._faults.append(fault)

    def mend(self) -> None:
        """End every fault, and every silence that lasts."""
        with self._lock:
            self._faults.clear()
            self._mended.set()

    def take(self, call: Call) -> Fault | None:
        """Return the fault that takes this call, and count it."""
        with self._lock:
            self.calls.append(call)
            for fault in self._faults:
                if fault.times != 0 and fault.matches(call):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    def answer(self, call: Call) -> Reply | None:
        """Return what becomes of a call; None: the connection closes without a word."""
        fault = self.take(call)
        if fault is None:
            return self._forward(call)
        if fault.seconds and fault.before:
            self._mended.wait(fault.seconds)
        reply = fault.reply or self._forward(fault.send(call) if fault.send else call)
        if fault.seconds and not fault.before:
            self._mended.wait(fault.seconds)
        return None if fault.lose else fault.edit(call, reply) if fault.edit else reply

    def _forward(self, call: Call) -> Reply:
        connection = HTTPConnection(*self._target, timeout=600)
        try:
            connection.request(call.method, call.path, call.body, call.headers)
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
            return Reply(answer.status, answer.read(), headers)
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else the body waits, 40 ms, until the headers were acknowledged

            def setup(self) -> None:
                proxy.opened(self.request)
                super().setup()

            def finish(self) -> None:
                proxy.closed(self.request)
                super().finish()

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                reply = proxy.answer(Call(self.command, self.path, dict(self.headers), self.rfile.read(length)))
                self.close_connection = reply is None
                if reply is not None:
                    self._write(reply)

            def _write(self, reply: Reply) -> None:
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(b"" if self.command == "HEAD" else reply.body)
                except OSError:  # whoever asked has gone: that is what a silence is for
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Say nothing: `calls` remembers."""

        return Handler
