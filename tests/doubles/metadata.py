"""A metadata server as EC2's and OpenStack's: `python -m tests.doubles.metadata FOLDER [ADDRESS...]`, port 80.

Each client is answered from `FOLDER/N.json` alone, where N is the last part of its address (IPv4 or IPv6): a mapping of
paths to texts (bytes as Latin-1: user data may be compressed). A path above others lists them, as both clouds do. A
session token is given to whoever asks, and not wanted.
`FOLDER/up` is there once it listens.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ADDRESSES = ("169.254.169.254", "fd00:ec2::254")
PORT = 80
TOKEN_PATH = "/latest/api/token"


def answer(files: dict[str, str], path: str) -> str | None:
    """Return what stands at a path: a text, or the names below it one a line; None where there is nothing."""
    plain = re.sub("/+", "/", path.partition("?")[0]).rstrip("/")
    if plain in files:
        return files[plain]
    below = sorted({name[len(plain) + 1 :] for name in files if name.startswith(f"{plain}/")})
    listed = dict.fromkeys(_entry(name) for name in below)
    return "\n".join(listed) if listed else None


def _entry(name: str) -> str:
    first, slash, _ = name.partition("/")
    return first + slash


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    folder: Path

    def __init__(self, address: str, port: int, folder: Path) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.folder = folder
        super().__init__((address, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        client = re.split(r"[.:]", self.client_address[0])[-1]
        file = self.server.folder / f"{client}.json"
        found = answer(json.loads(file.read_text()), self.path) if file.exists() else None
        self._send(404 if found is None else 200, found or "")

    def do_PUT(self) -> None:
        self._send(200 if self.path == TOKEN_PATH else 404, "a-session")

    def _send(self, status: int, text: str) -> None:
        body = text.encode("latin-1")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until SIGTERM."""
    folder = Path(sys.argv[1])
    servers = [_Server(address, PORT, folder) for address in sys.argv[2:] or ADDRESSES]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "up").touch()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
