"""Whatever libcloud raises, told as one error of our tree: by the provider's known texts, then by HTTP status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError

from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest, CloudError, QuotaExceeded, Throttled, Unavailable

from .cloud import UnreadableError
from .maps import Provider
from .wire import NoAnswerError, NotReachedError

LONGEST = 400  # characters of a cloud's own text
BY_STATUS: Mapping[int, type[CloudError]] = {
    400: BadRequest,
    401: AuthFailed,
    403: AuthFailed,
    404: BadRequest,
    405: BadRequest,
    409: BadRequest,
    413: QuotaExceeded,
    422: BadRequest,
    429: Throttled,
}
"""Everything else is `Unavailable`."""
SURE = frozenset({*BY_STATUS, 503})
"""Answers after which nothing was done. After the others (500, 502, 504 ...) something may have been."""
MEND: Mapping[type[CloudError], str] = {
    AuthFailed: "see the credentials in endpoint_options, and what they are allowed to",
    Unavailable: "see whether the cloud is up, and its address in endpoint_options",
}


def told(error: Exception, provider: Provider, where: str) -> CloudError:
    """Return what an error means for a call that changes nothing."""
    if isinstance(error, CloudError):
        return type(error)(error.what, where=error.where or where, mend=error.mend)
    text = _text(error)
    if known := provider.known(text):
        return known.means(text, where=where, mend=known.mend or MEND.get(known.means, ""))
    means = _kind(error)
    return means(text, where=where, mend=MEND.get(means, ""))


def told_of_change(error: Exception, provider: Provider, where: str, asked: Sequence[int | None]) -> CloudError:
    """Return what an error means for a call that changes something.

    `asked`: how the requests that change were answered (`Wire.changed`). Where one was not, or well, and yet the call
    ended in an error, what it was for may have come to be.
    """
    meant = told(error, provider, where)
    if any(status is None or _open(status, meant) for status in asked):
        return AnswerLost(meant.what, where=where)
    return meant


def _open(status: int, meant: CloudError) -> bool:
    """Tell whether something may have been done; an error of which the cloud said what it means had no effect."""
    return status < 300 or (status not in SURE and type(meant) is Unavailable)  # noqa: PLR2004 - HTTP's good answers


def _kind(error: Exception) -> type[CloudError]:
    if isinstance(error, InvalidCredsError):
        return AuthFailed
    if isinstance(error, BaseHTTPError):
        return BY_STATUS.get(int(error.code), Unavailable)
    return Unavailable


def _text(error: Exception) -> str:
    """Return what happened in one short line; of what libcloud stumbles over, nothing: it may hold anything."""
    if isinstance(error, NotReachedError | NoAnswerError | UnreadableError):
        return str(error)
    if isinstance(error, MalformedResponseError) or not isinstance(error, BaseHTTPError | LibcloudError):
        return f"an answer that cannot be read ({type(error).__name__})"
    return _line(error.message if isinstance(error, BaseHTTPError) else error.value)


def _line(text: Any) -> str:
    line = " ".join(str(text).split())
    if "<html" in line.lower():
        return "a page of HTML instead of an answer"
    return line[:LONGEST] or "refused without a word"
