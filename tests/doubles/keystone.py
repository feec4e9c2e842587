"""A Keystone that gives tokens to whoever asks, with a catalog of itself; other paths are answered by the test."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FEDERATED = "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"
SERVICES = {"compute": "/v2.1", "network": "", "image": "", "block-storage": "/v3/project-1"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, the port it came from, and the name in the certificate its client showed."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    client: str = ""
    port: int = 0


@dataclass(slots=True)
class Keystone:
    """What is answered, and what was asked. `answer` returns status, body and headers, or None to hang up."""

    url: str = ""
    answer: Callable[[Asked], tuple[int, Any, Mapping[str, str]] | None] = lambda _: (200, {}, {})
    lives: timedelta = timedelta(hours=1)
    """How long a token lives; negative: it has expired by our clock."""
    services: Mapping[str, str] = field(default_factory=lambda: dict(SERVICES))
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Return what was asked, as `METHOD path`."""
        return [f"{each.method} {each.path}" for each in self.asked]

    def reply(self, asked: Asked) -> tuple[int, Any, Mapping[str, str]] | None:
        """Return the answer to a request."""
        self.asked.append(asked)
        if asked.path in {FEDERATED, "/v3/auth/tokens"}:
            tokens = sum(each.path == asked.path for each in self.asked)
            return 201, {"token": self._token()}, {"X-Subject-Token": f"token-{tokens}"}
        return self.answer(asked)

    def _token(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {
            "methods": ["password"],
            "user": {"id": "u", "name": "u", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "project-1", "name": "p", "domain": {"id": "default", "name": "Default"}},
            "issued_at": now.isoformat(),
            "expires_at": (now + self.lives).isoformat(),
            "catalog": [{"type": kind, "endpoints": [self._endpoint(path)]} for kind, path in self.services.items()],
        }

    def _endpoint(self, path: str) -> dict[str, str]:
        return {"interface": "public", "region": "R", "region_id": "R", "url": f"{self.url}{path}"}


@contextmanager
def keystone(tls: ssl.SSLContext | None = None) -> Iterator[Keystone]:
    """Run one on loopback, over TLS if told how."""
    made = Keystone()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(cloud: Keystone) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            reply = cloud.reply(
                Asked(self.command, self.path, dict(self.headers), body, self._client(), self.client_address[1])
            )
            self.close_connection = reply is None
            if reply is not None:
                self._write(*reply)

        def _client(self) -> str:
            peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
            return str(peer["subject"][0][0][1]) if peer else ""

        def _write(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
            text = json.dumps(body).encode() if body != {} else b""
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    return Handler
