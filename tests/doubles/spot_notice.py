"""EC2's metadata service, as far as it tells of a spot instance's end; it may want a session's token (IMDSv2)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "session-1"
ACTION = "/latest/meta-data/spot/instance-action"


class SpotNotice:
    """What the service tells: `notice` as text, empty before there is one; `sessions`: a token is wanted."""

    def __init__(self, port: int, *, sessions: bool) -> None:
        self.address, self.sessions = f"http://127.0.0.1:{port}", sessions
        self.notice = ""
        self.asked: list[str] = []

    def answer(self, method: str, path: str, token: str) -> tuple[int, str]:
        """Return status and text."""
        self.asked.append(f"{method} {path}")
        if (method, path) == ("PUT", "/latest/api/token"):
            return (200, TOKEN) if self.sessions else (403, "")
        if self.sessions and token != TOKEN:
            return 401, ""
        return (200, self.notice) if path == ACTION and self.notice else (404, "<html>Not Found</html>")


@contextlib.contextmanager
def spot_notice(*, sessions: bool = True) -> Iterator[SpotNotice]:
    """Serve on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    double = server.told = SpotNotice(server.server_port, sessions=sessions)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        told: SpotNotice = self.server.told  # type: ignore[attr-defined]
        status, text = told.answer(self.command, self.path, self.headers.get("X-aws-ec2-metadata-token", ""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
