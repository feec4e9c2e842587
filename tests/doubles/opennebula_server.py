"""The OpenNebula double behind HTTP: `/RPC2` on a free port of 127.0.0.1, with TLS if asked for."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xmlrpc.client import Fault, dumps, loads

from tests.doubles.opennebula import Cloud, Methods


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    methods: Methods
    connections = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: broken connections are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: the second would wait for the first one's receipt
    server: _Server

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = _answer(self.server.methods, body).encode()
        self.send_response(200 if self.path == "/RPC2" else 404)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


def _answer(methods: Methods, body: bytes) -> str:
    params, name = loads(body)
    try:
        return dumps((methods.call(str(name), params),), methodresponse=True)
    except Fault as fault:
        return dumps(fault, methodresponse=True)


@contextmanager
def serving(cloud: Cloud, files: tuple[Path, Path] | None = None) -> Iterator[_Server]:
    """Serve a cloud; `files` are certificate and key for TLS. It counts the `connections` it was made."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.methods = Methods(cloud)
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
