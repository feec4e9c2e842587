"""One call to the embedded cloud, with a deadline and honest errors."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vmdirac_py.clouds.api import (
    AnswerLost,
    AuthFailed,
    BadRequest,
    CloudError,
    NoCapacity,
    QuotaExceeded,
    Throttled,
    Unavailable,
)
from vmdirac_py.model.batch import ErrorClass

from .places import find_socket
from .wire import MAX_ANSWER, MAX_REQUEST, Deadline, receive, send

ERRORS: Mapping[str, type[CloudError]] = {
    kind.error_class: kind
    for kind in (QuotaExceeded, NoCapacity, AuthFailed, BadRequest, Throttled, Unavailable, AnswerLost)
}
MEND = "start it with `vmdirac up`, or python -m vmdirac_py.clouds.local --state DIR"
READING = frozenset({"list", "limits", "console", "user_data"})


class Client:
    """Calls to one cloud.

    Args:
        state: its state directory.
        timeout: seconds a whole call may take.
    """

    def __init__(self, state: Path, timeout: float) -> None:
        self._state = state
        self._timeout = timeout

    def call(self, name: str, **params: Any) -> dict[str, Any]:
        """Make a call.

        Raises:
            Unavailable: it certainly had no effect.
            AnswerLost: it may have had its effect.
            CloudError: what the cloud refused it with.
        """
        deadline = Deadline.after(self._timeout)
        with self._connected(deadline) as sock:
            self._send(sock, {"call": name, **params}, deadline)
            answer = self._receive(sock, name, deadline)
        if error := answer.get("error"):
            raise _refusal(error, name, str(self._state))
        return answer

    def _connected(self, deadline: Deadline) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        try:
            deadline.arm(sock)
            sock.connect(str(find_socket(self._state)))
        except OSError as error:
            sock.close()
            raise Unavailable(
                f"no answer from the embedded cloud: {error}", where=str(self._state), mend=MEND
            ) from error
        return sock

    def _send(self, sock: socket.socket, message: Mapping[str, Any], deadline: Deadline) -> None:
        """Send; a message that did not arrive whole is not acted upon."""
        try:
            send(sock, message, limit=MAX_REQUEST, deadline=deadline)
        except ValueError as error:
            raise BadRequest(str(error), where=str(self._state)) from error
        except OSError as error:
            raise Unavailable(f"the embedded cloud hung up: {error}", where=str(self._state)) from error

    def _receive(self, sock: socket.socket, name: str, deadline: Deadline) -> dict[str, Any]:
        try:
            return receive(sock, limit=MAX_ANSWER, deadline=deadline)
        except (OSError, ValueError) as error:
            raise _doubt(name)(f"no answer to {name}: {error}", where=str(self._state)) from error


def _doubt(name: str) -> type[CloudError]:
    return Unavailable if name in READING else AnswerLost


def _refusal(error: Any, name: str, where: str) -> CloudError:
    try:
        kind = ERRORS[ErrorClass(error["class"])]
        return kind(error["what"], where=error["where"] or where, mend=error["mend"])
    except (KeyError, TypeError, ValueError):
        return _doubt(name)(f"an answer to {name} that cannot be read", where=where)
