"""What OpenStack's refusals and faults mean: by status, and by text where a status has several meanings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

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


class NotThere(BadRequest):
    """The cloud knows no such thing (any more)."""


class NotNow(BadRequest):
    """A thing is in a state in which this cannot be done with it."""


class NoAddress(AuthFailed):
    """The service catalog that came with the token has no address of a service."""


BY_STATUS: Mapping[int, type[CloudError]] = MappingProxyType(
    {
        400: BadRequest,
        401: AuthFailed,
        403: AuthFailed,
        404: NotThere,
        405: BadRequest,
        406: BadRequest,
        409: NotNow,
        413: Throttled,
        429: Throttled,
        503: Unavailable,  # from a balancer without servers, or before Nova looked at the request
    }
)
MEND: Mapping[type[CloudError], str] = MappingProxyType(
    {
        AuthFailed: "check the credentials and the user's role in the project",
        QuotaExceeded: "ask the cloud for more, or lower endpoint_max_vms",
        BadRequest: "run `vmdirac endpoint check`",
        NotNow: "run `vmdirac endpoint check`",
        NotThere: "run `vmdirac endpoint check`",
    }
)
# Nova says what is wrong in words alone where it refuses with 403, and where a server it took ends in ERROR.
# First match wins. The texts are those of nova/exception.py.
BY_TEXT: Sequence[tuple[re.Pattern[str], ErrorClass]] = tuple(
    (re.compile(pattern, re.IGNORECASE), error_class)
    for pattern, error_class in (
        (r"quota exceeded|exceeded for quota|maximum number of (ports|fixed ips|volumes)\b", ErrorClass.QUOTA),
        (r"no valid host|not enough hosts|exhausted all hosts|exceeded max(imum)? scheduling", ErrorClass.NO_CAPACITY),
        (r"insufficient (compute )?(resources|free memory)|no (more|fixed) ip addresses", ErrorClass.NO_CAPACITY),
        (r"ip ?address ?generation ?failure|no space left|did not finish being created", ErrorClass.NO_CAPACITY),
        (r"policy doesn'?t allow|not authorized|unauthorized", ErrorClass.AUTH),
        (r"flavor'?s (disk|memory)|image .* (could not be found|is not active|unacceptable)", ErrorClass.BAD_REQUEST),
        (r"block device mapping is invalid|network .* could not be found", ErrorClass.BAD_REQUEST),
    )
)
OF_CLASS: Mapping[ErrorClass, type[CloudError]] = MappingProxyType(
    {
        error.error_class: error
        for error in (QuotaExceeded, NoCapacity, AuthFailed, BadRequest, Throttled, Unavailable, AnswerLost)
    }
)
TEXT_DECIDES = frozenset({400, 403, 409, 413})
LONGEST = 300


def refusal(status: int, text: str, *, where: str, acts: bool) -> CloudError:
    """Return the error that an answer with this status and text is; `acts`: the call may have changed something."""
    error = _type_of(status, text, acts=acts)
    return error(f"HTTP {status}: {text[:LONGEST]}", where=where, mend=MEND.get(error, ""))


def unreadable(what: str, *, where: str, acts: bool) -> CloudError:
    """Return the error that an answer nobody can read is."""
    return (AnswerLost if acts else Unavailable)(f"an answer that cannot be read: {what[:LONGEST]}", where=where)


def class_of_text(text: str) -> ErrorClass | None:
    """Return what a refusal's or fault's text means, or None."""
    return next((error_class for pattern, error_class in BY_TEXT if pattern.search(text)), None)


def class_of_fault(fault: str) -> ErrorClass:
    """Return why a server that Nova took ended in ERROR; a fault nobody knows is the cloud's own."""
    return class_of_text(fault) or ErrorClass.UNAVAILABLE


def _type_of(status: int, text: str, *, acts: bool) -> type[CloudError]:
    told = class_of_text(text) if status in TEXT_DECIDES else None
    if told:
        return OF_CLASS[told]
    return BY_STATUS.get(status) or (AnswerLost if acts else Unavailable)
