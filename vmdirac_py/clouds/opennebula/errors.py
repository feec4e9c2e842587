"""What OpenNebula's refusals mean: by code and by text, since one code stands for many things.

Codes: https://docs.opennebula.io, "XML-RPC API". 0x0200 is said of a quota too, and 0x2000 ("internal") of plain
mistakes in a template: it is no reason to try again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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

AUTHENTICATION, AUTHORIZATION, NO_EXISTS, ACTION, REPLICATION = 0x0100, 0x0200, 0x0400, 0x0800, 0x10000


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a refusal with this code (None: any) and these words is."""

    code: int | None
    words: str
    error: type[CloudError]
    mend: str = ""


MEANINGS = (
    Meaning(None, r"limit of .+ reached for .+ quota", QuotaExceeded),
    Meaning(None, r"Cannot get (an )?(IP/MAC|IP) lease", NoCapacity, "the network has no free address"),
    Meaning(None, r"no leader found", Unavailable),
    Meaning(REPLICATION, "", Unavailable),
    Meaning(AUTHENTICATION, "", AuthFailed, "check endpoint_options.session: user:password, or a token still valid"),
    Meaning(AUTHORIZATION, r"restricted attribute", BadRequest, "the front end's VM_RESTRICTED_ATTR forbids it"),
    Meaning(
        AUTHORIZATION, r"USE (VM )?(TEMPLATE|IMAGE|NET|VIRTUAL NETWORK)\b", BadRequest, "ask its owner for USE rights"
    ),
    Meaning(AUTHORIZATION, "", AuthFailed, "the user lacks rights"),
)
"""The first that fits counts."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method answered: `value` where `code` is 0, else the refusal in words."""

    method: str
    value: object
    code: int = 0


def refusal(answer: Answer, where: str, *, otherwise: type[CloudError]) -> CloudError:
    """Return the error a refusal is, `otherwise` where neither code nor words tell."""
    text = str(answer.value)
    for meaning in MEANINGS:
        if meaning.code in {None, answer.code} and re.search(meaning.words, text, re.IGNORECASE):
            return meaning.error(_said(answer, text), where=where, mend=meaning.mend)
    return otherwise(_said(answer, text), where=where)


def _said(answer: Answer, text: str) -> str:
    said = text if f"[{answer.method}]" in text else f"[{answer.method}] {text}"
    return f"{' '.join(said.split())} (code {answer.code:#06x})"


PATH = "check endpoint_options.url: its path is usually /RPC2"
BY_STATUS: dict[int, tuple[type[CloudError], str]] = {
    401: (AuthFailed, "a proxy before the front end asks for a login of its own"),
    403: (AuthFailed, "a proxy before the front end does not let us in"),
    **dict.fromkeys((301, 302, 307, 308, 404, 405), (Unavailable, PATH)),  # of no pool: the endpoint's own mistake
    413: (BadRequest, "the front end's MESSAGE_SIZE, or a proxy's limit, is too small"),
    429: (Throttled, ""),
    503: (Unavailable, ""),
}
"""HTTP statuses with which a request certainly had no effect."""


def not_ok(status: int, where: str) -> CloudError:
    """Return the error an HTTP status other than 200 is."""
    error, mend = BY_STATUS.get(status, (AnswerLost, ""))
    return error(f"the answer was HTTP status {status}", where=where, mend=mend)


FAULTS_UNDONE = frozenset({-501, -502, -503, -506})
"""XML-RPC faults for what was never begun: wrong types, too big, not parsed, no such method."""


def fault(code: int, text: str, where: str) -> CloudError:
    """Return the error an XML-RPC fault is."""
    error = BadRequest if code in FAULTS_UNDONE else AnswerLost
    return error(f"XML-RPC fault {code}: {text}", where=where)
