"""A real manager on loopback, and VMs that talk to it with `http.client`, as the worker does."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tests.support.context import TestContext
from tests.support.keys import key_pem, make_key, make_request
from vmdirac_py.credentials.ca import Authority
from vmdirac_py.manager.listeners import bind
from vmdirac_py.manager.serve import Ready, run
from vmdirac_py.model.vm import Vm

START_SECONDS = 20.0
BEAT: dict[str, Any] = {
    "at": 1.0,
    "state": "running",
    "load": 0.5,
    "uptime": 10.0,
    "cores": 8,
    "free_cores": 8,
    "ram_mb": 16000,
    "disk_free_mb": 1000,
    "slots": [
        {"job": 1, "cores": 1, "started_at": 1.0, "ends_by": 0.0, "cpu_seconds": 0.0, "number": 0, "gpu_ids": []}
    ],
    "idle_seconds": 0.0,
    "failed_matches": 0,
    "version": "1",
}
ASK: dict[str, Any] = {
    "cores": 8,
    "free_cores": 8,
    "free_ram_mb": 16000,
    "free_gpus": 0,
    "empty": True,
    "seconds_left": 1e6,
    "wishes": ["any"],
}


@contextmanager
def running(ctx: TestContext, *, vm_port: int = 0) -> Iterator[Ready]:
    """Run the manager of an installation in a thread, on free ports (unless told), until the block ends."""
    loop, started, where = uvloop.new_event_loop(), threading.Event(), list[Ready]()
    stop = asyncio.Event()

    def announce(ready: Ready) -> None:
        where.append(ready)
        started.set()

    with ExitStack() as stack:
        ports = {"vm": vm_port, "people": 0}
        sockets = [stack.enter_context(bind("127.0.0.1", port, who=who)) for who, port in ports.items()]
        thread = threading.Thread(target=loop.run_until_complete, args=(run(ctx, sockets, stop=stop, ready=announce),))
        thread.start()
        try:
            assert started.wait(START_SECONDS), "the manager did not start"
            yield where[0]
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(START_SECONDS)
            assert not thread.is_alive(), "the manager did not stop"
            loop.close()


@dataclass
class Answer:
    """Status and body of an answer."""

    status: int
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.data)


class Client:
    """One kept connection; `certificate` and `key` are PEM, empty for a client that shows none."""

    def __init__(self, url: str, *, authority: str, certificate: str = "", key: str = "") -> None:
        self.context = client_context(authority, certificate, key)
        parts = urlsplit(url)
        assert parts.hostname
        self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=self.context, timeout=20)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Send a request (a body that is not bytes as JSON) and read its answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, path, data, headers or {})
        return self.answer()

    def answer(self) -> Answer:
        """Read an answer."""
        response = self.connection.getresponse()
        return Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})

    def post(self, name: str, message: Any) -> Answer:
        """Send a message of the wire format."""
        return self.ask("POST", f"/vm/v1/{name}", message)

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


def client_context(authority: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Return the TLS side of a client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority)
    if certificate:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "vm.pem"
            path.write_text(certificate + key)
            context.load_cert_chain(path)
    return context


def client_of(
    ctx: TestContext, where: Ready, vm: Vm, *, hours: float = 1, at: float = 0, signer: Authority | None = None
) -> Client:
    """Return a VM's client with a certificate made at `at` (0: now) by `signer` (given none: our authority)."""
    key = make_key()
    by, since = signer or ctx.authority, at or ctx.clock.now()
    made = by.sign_vm(make_request(key), vm=vm.id, vo=vm.vo, hours=hours, at=since)
    return Client(where.vms, authority=ctx.authority.pem, certificate=made.pem, key=key_pem(key))
