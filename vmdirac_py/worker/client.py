"""The worker's end of the line: JSON and files over one kept TLS connection."""

import http.client
import json
import select
import shutil
import socket
import ssl
import threading
from pathlib import Path
from typing import IO, Any, Callable, Dict, Optional, Tuple, TypeVar, Union

from .trust import Manager, Refused, TalkError, Unreachable, typed
from .wire import MAX_BODY, VERSION

TIMEOUT = 30.0  # seconds, to connect and between two pieces of an answer
_TIMEOUT = socket.timeout
_OK, _ACCEPTED = 200, 202
_LATER = (408, 425, 429)
_CLIENT_ERRORS = range(400, 500)
_Answer = TypeVar("_Answer")
_Body = Union[bytes, IO[bytes], None]


class Client:
    """One kept connection to the manager; calls from several threads take turns."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._lock = threading.Lock()
        self._connection: Optional[http.client.HTTPSConnection] = None
        self._context: Optional[ssl.SSLContext] = None

    def post(self, verb: str, message: Any, kind: Callable[..., _Answer]) -> _Answer:
        """Send a message of `wire` to `/vm/v1/VERB` and return the answer as `kind`. Raises TalkError."""
        return typed(kind, self.ask(verb, message)[1])

    def ask(self, verb: str, message: Any) -> Tuple[int, Any]:
        """Send a message and return (status, JSON). Raises TalkError."""
        body = json.dumps(_plain(message)).encode()
        with self._lock:
            response = self._send("POST", _path(verb), body, "application/json")
            return response.status, _parsed(self._read(response))

    def download(self, what: str, target: Path) -> None:
        """Fetch `/vm/v1/WHAT` into the file `target`. Raises TalkError, OSError when the disk refuses."""
        with self._lock:
            response = self._send("GET", _path(what), None, "")
            with target.open("wb") as file:
                self._copy(response, file)

    def upload(self, what: str, source: Path) -> Any:
        """PUT the file `source` to `/vm/v1/WHAT` and return the answer's JSON. Raises TalkError."""
        with self._lock, source.open("rb") as file:
            response = self._send("PUT", _path(what), file, "application/gzip", source.stat().st_size)
            return _parsed(self._read(response))

    def close(self) -> None:
        """Hang up; the next call connects again."""
        with self._lock:
            self._hang_up()

    def _send(
        self, method: str, path: str, body: _Body, kind: str, length: Optional[int] = None
    ) -> http.client.HTTPResponse:
        headers = {"Content-Type": kind} if kind else {}
        if length is not None:
            headers["Content-Length"] = str(length)
        try:
            response = self._exchange(self._connected(), method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            raise Unreachable(_words(error)) from None
        if response.status not in (_OK, _ACCEPTED):
            raise self._bad_answer(response)
        return response

    def _exchange(
        self, connection: http.client.HTTPSConnection, method: str, path: str, body: _Body, headers: Dict[str, str]
    ) -> http.client.HTTPResponse:
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            # A manager may refuse a large body before it has read it: its answer still counts.
            if connection.sock is None:
                raise
        return connection.getresponse()

    def _connected(self) -> http.client.HTTPSConnection:
        if self._connection and not self._stale(self._connection):
            return self._connection
        self._hang_up()
        manager = self._manager
        self._context = manager.context
        self._connection = http.client.HTTPSConnection(
            manager.host, manager.port, timeout=TIMEOUT, source_address=manager.source, context=manager.context
        )
        return self._connection

    def _stale(self, connection: http.client.HTTPSConnection) -> bool:
        """Tell whether the other side hung up meanwhile (something to read while nothing was asked)."""
        if connection.sock is None or self._context is not self._manager.context:
            return True
        return bool(select.select([connection.sock], [], [], 0)[0])

    def _bad_answer(self, response: http.client.HTTPResponse) -> TalkError:
        text = self._read(response)[:300].decode("utf-8", "replace")
        if response.status in _CLIENT_ERRORS and response.status not in _LATER:
            return Refused(response.status, text)
        return Unreachable(f"status {response.status}: {text}")

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            body = response.read(MAX_BODY + 1)
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            raise Unreachable(_words(error)) from None
        if len(body) > MAX_BODY:
            self._hang_up()
            raise Unreachable("the answer is too large")
        return body

    def _copy(self, response: http.client.HTTPResponse, file: IO[bytes]) -> None:
        expected = response.length
        try:
            shutil.copyfileobj(response, file)
        except (ssl.SSLError, _TIMEOUT, ConnectionError, http.client.HTTPException) as error:
            self._hang_up()
            raise Unreachable(_words(error)) from None
        if expected is not None and file.tell() != expected:
            self._hang_up()
            raise Unreachable("the answer was cut short")

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _path(what: str) -> str:
    return f"/vm/v{VERSION}/{what}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Unreachable("the answer is not JSON") from None


def _plain(message: Any) -> Any:
    """Return a message as dicts and lists: JSON would make a named tuple a list."""
    if hasattr(message, "_asdict"):
        return {name: _plain(value) for name, value in message._asdict().items()}
    if isinstance(message, list):
        return [_plain(item) for item in message]
    return message
