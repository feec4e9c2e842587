"""Ports and servers: binding with clear errors, and uvicorn as one of two servers in our own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from vmdirac_py.base.errors import Unusable
from vmdirac_py.base.settings import SETTINGS_FILE

from .tls import PeerProtocol

KEEP_ALIVE = 120  # seconds a connection may rest: two usual heartbeat periods
STOP_SECONDS = 3  # for requests in flight


class Server(uvicorn.Server):
    """A server that leaves the signals to `serve`, which has two of them; `up` is set once it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def bind(host: str, port: int, *, who: str) -> socket.socket:
    """Return a listening socket; port 0 takes any free one.

    Raises:
        Unusable: the port is in use, or the address is not this machine's; names the setting (`who`_port, `who`_host).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what, mend = f"port {port} on {host} is in use", f"stop its process, or set another {who}_port"
        else:
            what, mend = f"cannot listen on {host} port {port}: {error.strerror}", f"set {who}_host or {who}_port"
        raise Unusable(what, where=SETTINGS_FILE, mend=mend) from None


def url_of(listener: socket.socket) -> str:
    """Return the address of a listening socket as an URL."""
    host, port = listener.getsockname()[:2]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def server(app: ASGIApp, context: ssl.SSLContext) -> Server:
    """Return a server for an application behind TLS; it trusts no proxy header and announces no name."""
    return Server(
        uvicorn.Config(
            app,
            http=PeerProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=STOP_SECONDS,
            ssl_context_factory=lambda _config, _default: context,
        )
    )
