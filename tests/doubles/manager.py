"""A manager for worker tests: real TLS with a real CA, answers by script, remembers what it was asked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tests.doubles.certificates import TestAuthority

_UNAUTHORIZED, _ACCEPTED, _OK, _NOT_FOUND, _FORBIDDEN = 401, 202, 200, 404, 403


@dataclass(frozen=True)
class Asked:
    """One request: the verb (`sandbox` and `output` too), who asked, from which port, with which certificate."""

    verb: str
    port: int
    vm: str
    serial: str
    message: Any
    at: float


@dataclass
class Script:
    """What the manager answers; tests set and change it while it runs."""

    token: str = "right-token"
    retries: list[float] = field(default_factory=list)  # enrolments answered with "retry after" first
    work: list[dict[str, Any]] = field(default_factory=list)
    sandboxes: dict[int, bytes] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    kill: list[int] = field(default_factory=list)
    heartbeat_seconds: float = 0.2
    idle_seconds: float = 60.0
    clock_ahead: float = 0.0
    stays: int = 0  # so many wishes to leave are answered with "stay"
    certificate_seconds: float = 3600.0
    renew_after: float = 1200.0
    dead_man_seconds: float = 600.0
    stop_policies: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)  # verb → status
    later: dict[str, Any] = field(default_factory=dict)  # fields in every answer that no worker knows


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    manager: ManagerDouble

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: broken connections are part of the tests."""


class ManagerDouble:
    """Listens on 127.0.0.1; `stop` and `start` make an outage on the same port."""

    vm: ClassVar[str] = f"vm-{os.getpid()}"  # marks of two test processes must not meet

    def __init__(self, folder: Path) -> None:
        self.authority = TestAuthority()
        self.script = Script()
        self.asked: list[Asked] = []
        self.outputs: dict[int, bytes] = {}
        self.logs: list[bytes] = []
        self._files = self.authority.server_files(folder)
        self._condition = threading.Condition()
        self._open: set[socket.socket] = set()
        self._server: _Server | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where workers find it."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen (again)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(*self._files)
        context.load_verify_locations(cadata=self.authority.pem)
        context.verify_mode = ssl.CERT_OPTIONAL
        server = _Server(("127.0.0.1", self.port), _Handler)
        server.manager, self.port = self, server.server_address[1]
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def of(self, verb: str) -> list[Asked]:
        """Return the requests of one verb so far."""
        with self._condition:
            return [asked for asked in self.asked if asked.verb == verb]

    def messages(self, verb: str) -> list[Any]:
        """Return the messages of one verb so far."""
        return [asked.message for asked in self.of(verb)]

    def wait(self, question: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Return the first true answer to `question`, asked again after each request; fail at the deadline."""
        with self._condition:
            answer = self._condition.wait_for(question, seconds)
        assert answer, f"not seen within {seconds} s; asked so far: {[asked.verb for asked in self.asked][-20:]}"
        return answer

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, to cut it in an outage."""
        self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        self._open.discard(connection)

    def answer(self, verb: str, asked: Asked) -> tuple[int, Any]:
        """Note a request and return (status, JSON)."""
        with self._condition:
            self.asked.append(asked)
            status = self.script.refused.get(verb)
            result = (status, {"error": f"told to refuse: {asked.message}"}) if status else self._by_script(verb, asked)
            self._condition.notify_all()
            return result

    def _by_script(self, verb: str, asked: Asked) -> tuple[int, Any]:
        if verb != "enrol" and not asked.vm:
            return _UNAUTHORIZED, {"error": "no certificate"}
        status, answer = getattr(self, f"_{verb}")(asked.message)
        return status, {**answer, **self.script.later}

    def _enrol(self, message: Any) -> tuple[int, Any]:
        if message["token"] != self.script.token:
            return _FORBIDDEN, {"error": f"token {message['token']} is not valid"}
        if self.script.retries:
            return _ACCEPTED, {"retry_after": self.script.retries.pop(0)}
        return _OK, self._enrolled(message["csr"])

    def _enrolled(self, csr: str) -> dict[str, Any]:
        now, script = time.time(), self.script
        return {
            "vm": self.vm,
            "vo": "alpha",
            "certificate": self.authority.client_certificate(csr, self.vm, script.certificate_seconds),
            "renew_at": now + script.renew_after,
            "not_after": now + script.certificate_seconds,
            "dead_man_seconds": script.dead_man_seconds,
        }

    def _renew(self, message: Any) -> tuple[int, Any]:
        return _OK, self._enrolled(message["csr"])

    def _time(self, _message: Any) -> tuple[int, Any]:
        return _OK, {"at": time.time() + self.script.clock_ahead}

    def _heartbeat(self, _message: Any) -> tuple[int, Any]:
        script = self.script
        return _OK, {
            "orders": script.orders,
            "kill": script.kill,
            "heartbeat_seconds": script.heartbeat_seconds,
            "idle_seconds": script.idle_seconds,
            "stop_policies": script.stop_policies,
        }

    def _match(self, message: Any) -> tuple[int, Any]:
        fits = next((work for work in self.script.work if work["cores"] <= message["free_cores"]), None)
        if fits:
            self.script.work.remove(fits)
        return _OK, {"work": fits}

    def _report(self, _message: Any) -> tuple[int, Any]:
        return _OK, {}

    def _acknowledge(self, _message: Any) -> tuple[int, Any]:
        return _OK, {}

    def _leave(self, _message: Any) -> tuple[int, Any]:
        go = self.script.stays <= 0
        self.script.stays -= 1
        return _OK, {"go": go}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    connection: ssl.SSLSocket

    def setup(self) -> None:
        self.server.manager.opened(self.request)
        super().setup()

    def finish(self) -> None:
        self.server.manager.closed(self.request)
        super().finish()

    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        verb = self.path.removeprefix("/vm/v1/")
        message = json.loads(self._body())
        self._reply(*self.server.manager.answer(verb, self._asked(verb, message)))

    def do_PUT(self) -> None:
        status = self.server.manager.script.refused.get("output")
        if status:
            # As real servers do: refuse at once, without reading the body, and hang up.
            self.close_connection = True
            self._reply(status, {"error": "told to refuse"})
            return
        if self.path == "/vm/v1/log":
            self.server.manager.logs.append(self._body())
            self._noted("log", 0)
            self._reply(_OK, {})
            return
        data, job = self._body(), int(self.path.rpartition("/")[2])
        self.server.manager.outputs[job] = data
        self._noted("output", job)
        self._reply(_OK, {"blob": hashlib.sha256(data).hexdigest()})

    def do_GET(self) -> None:
        job = int(self.path.rpartition("/")[2])
        data = self.server.manager.script.sandboxes.get(job)
        self._noted("sandbox", job)
        if data is None:
            self._reply(_NOT_FOUND, {"error": "no sandbox"})
            return
        self._send(_OK, data, "application/gzip")

    def _noted(self, verb: str, job: int) -> None:
        manager, asked = self.server.manager, self._asked(verb, job)
        with manager._condition:
            manager.asked.append(asked)
            manager._condition.notify_all()

    def _asked(self, verb: str, message: Any) -> Asked:
        peer = self.connection.getpeercert() or {}
        names = {key: value for ((key, value),) in peer.get("subject", ())}  # type: ignore[misc, union-attr]
        return Asked(
            verb,
            self.client_address[1],
            names.get("commonName", ""),
            str(peer.get("serialNumber", "")),
            message,
            time.time(),
        )

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _reply(self, status: int, answer: Any) -> None:
        self._send(status, json.dumps(answer).encode(), "application/json")

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
