"""The server of the embedded cloud: one unix socket, one thread per connection, one thread that boots."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import socketserver
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from vmdirac_py.base.clock import SystemClock
from vmdirac_py.base.errors import Unusable

from .calls import Calls, LoseAnswerError
from .cloud import Cloud
from .faults import Faults
from .fleet import Fleet
from .garbling import GarbledAnswerError
from .isolation import PROMISES, Isolation, choose, tools_missing
from .launching import Launcher, Limits
from .places import hold, socket_path
from .records import Store
from .vm import Runner
from .wire import MAX_ANSWER, MAX_REQUEST, Deadline, receive, send

REQUEST_SECONDS = 30.0
log = logging.getLogger("vmdirac.cloud.local")


@dataclass(frozen=True, slots=True)
class Options:
    """How a server is started. `hidden`: directories no VM may see; `user`: whom VMs run as when root starts it."""

    state: Path
    socket: Path | None = None
    max_cores: int | None = None
    max_vms: int | None = 64
    hidden: tuple[str, ...] = ()
    user: str = "nobody"
    namespaces: bool = True
    ready: int | None = None


class Connection(socketserver.BaseRequestHandler):
    """One request, one answer."""

    server: Server

    def handle(self) -> None:
        """Answer; a peer that is slow, gone or talks nonsense costs its connection, nothing else."""
        with contextlib.suppress(OSError, ValueError, LoseAnswerError):
            message = receive(self.request, limit=MAX_REQUEST, deadline=Deadline.after(REQUEST_SECONDS))
            try:
                answer = self.server.calls.answer(message)
            except GarbledAnswerError as garbled:
                self.request.sendall(garbled.data)
                return
            try:
                send(self.request, answer, limit=MAX_ANSWER, deadline=Deadline.after(REQUEST_SECONDS))
            finally:
                if answer.get("stopping"):
                    self.server.stop()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Listens on the socket until told to stop; VMs live on."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, path: Path, store: Store, isolation: Isolation, limits: Limits) -> None:
        faults, self._stopping = Faults(), threading.Event()
        fleet = Fleet(store, Runner(store, isolation), SystemClock())
        fleet.refresh()
        fleet.clean_leftovers()
        self._launcher = Launcher(fleet, faults, limits)
        cloud = Cloud(fleet, faults, limits)
        self.calls = Calls(self._launcher, cloud, faults, isolation, self._stopping)
        path.unlink(missing_ok=True)
        super().__init__(str(path), Connection)

    def serve(self) -> None:
        """Boot and answer until `stop`."""
        self._launcher.resume()
        boots = threading.Thread(target=self._launcher.boot_all, name="boots")
        boots.start()
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self._stopping.set()
            self._launcher.close()
            boots.join()
            self.server_close()

    def stop(self) -> None:
        """Ask the server to end; returns at once."""
        self._stopping.set()
        threading.Thread(target=self.shutdown, daemon=True).start()

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Log what nobody foresaw; the connection is closed, and the server goes on."""
        del request, client_address
        log.error("a call failed", exc_info=sys.exc_info())


def run(options: Options) -> None:
    """Be the server.

    Raises:
        Unusable: another server holds the state, a program is missing, or no VM can run here.
    """
    os.umask(0o077)
    if missing := tools_missing():
        raise Unusable(f"not installed: {', '.join(missing)}", mend="install util-linux")
    options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with hold(options.state):
        store = Store(options.state)
        isolation = choose(options.state, hidden=options.hidden, user=options.user, allow_namespaces=options.namespaces)
        path = socket_path(options.state, options.socket)
        with Server(path, store, isolation, Limits(options.max_vms, options.max_cores)) as server:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: server.stop())
            _tell(options, isolation, path)
            server.serve()
        path.unlink(missing_ok=True)


def _tell(options: Options, isolation: Isolation, path: Path) -> None:
    say = log.info if isolation.namespaces else log.warning
    say("VMs by %s (%s), Python %s", isolation.kind, PROMISES[isolation.kind], isolation.python.path)
    log.info("listening on %s", path)
    if options.ready is not None:
        os.write(options.ready, b"ready\n")
        os.close(options.ready)
