"""One thread's line to one cloud: every request of libcloud's, within a deadline and with errors that show nothing."""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Callable
from typing import Any

import requests
import urllib3

PIECE = 1 << 16


class NotReachedError(Exception):
    """Nothing was sent: there is nobody, or nobody who can be trusted."""


class NoAnswerError(Exception):
    """A request was sent, and its answer did not come, not in time or not whole."""


class Wire:
    """One thread's line to one cloud.

    Args:
        timeout: seconds a request may take, or a whole call of ours where `begin` says so.
        verify: what certificates are verified against: True (the usual authorities), a file's path, or False (nothing).
    """

    def __init__(self, timeout: float, verify: str | bool) -> None:  # noqa: FBT001 - as `requests` has it
        self.verify = verify
        self._timeout = timeout
        self._until, self._renewed = 0.0, True
        self._changing: Callable[[str, str, str], bool] | None = None
        self.changed: list[int | None] = []

    def begin(self, *, changes: bool) -> None:
        """A call of ours begins. One that changes something has its time for all its requests together.

        For how long a batch may be in the air is reckoned with; a long listing may take its time for each page.
        """
        self._until, self._renewed = time.monotonic() + self._timeout, not changes
        self._changing, self.changed = None, []

    def watch(self, changing: Callable[[str, str, str], bool]) -> None:
        """Note in `changed` how requests that change something are answered: their status, None for no answer.

        `changing` is told a request's method, URL and body.
        """
        self._changing, self.changed = changing, []

    def remaining(self) -> float:
        """Return how many seconds are left of this call, below zero when it is over."""
        return self._until - time.monotonic()

    def left(self) -> float:
        """Return how many seconds are left of this call for one more request.

        Raises:
            NoAnswerError: none.
        """
        left = self.remaining()
        if left <= 0:
            raise NoAnswerError(f"no whole answer within {self._timeout:g} s")
        return left

    def _timeout_now(self) -> float:
        if self._renewed:
            self._until = time.monotonic() + self._timeout
        return self.left()

    def ask(self, session: requests.Session, method: str, url: str, body: Any, headers: Any) -> requests.Response:
        """Make one request and return its whole answer.

        Errors never show the request: user data and credentials may be part of it.

        Raises:
            NotReachedError, NoAnswerError: there is none.
        """
        timeout = self._timeout_now()
        noted = self._note(method, url, body)
        try:
            answer = session.request(
                method, url, data=body, headers=headers, timeout=timeout, verify=self.verify, allow_redirects=False,
                stream=True,
            )  # fmt: skip
            answer.raw = io.BytesIO(self._whole(answer))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._failure(error, noted=noted) from None
        if noted:
            self.changed[-1] = answer.status_code
        return answer

    def _note(self, method: str, url: str, body: Any) -> bool:
        noted = self._changing is not None and self._changing(
            method.upper(), url, body if isinstance(body, str) else ""
        )
        if noted:
            self.changed.append(None)
        return noted

    def _whole(self, answer: requests.Response) -> bytes:
        """Read piece by piece: a timeout of `requests` starts anew with every byte that drips in."""
        pieces = []
        while piece := answer.raw.read1(PIECE, decode_content=True):
            pieces.append(piece)
            self.left()
        return b"".join(pieces)

    def _failure(self, error: Exception, *, noted: bool) -> NotReachedError | NoAnswerError:
        if reason := _unsent(error):
            if noted:
                self.changed.pop()
            return NotReachedError(reason)
        if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
            return NoAnswerError(f"no answer within {self._timeout:g} s")
        return NoAnswerError("the connection broke before the answer was whole")


def _unsent(error: Exception) -> str:
    """Return why a request was certainly not sent; empty where it may have been."""
    inner = error.args[0] if error.args else None
    cause = getattr(inner, "reason", inner)
    if isinstance(cause, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return str(cause).rpartition(": ")[2]
    inner = cause.args[0] if isinstance(cause, urllib3.exceptions.SSLError) and cause.args else None
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {inner.verify_message}"
    return ""
