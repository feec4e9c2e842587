"""Whom the worker talks to, whom it trusts to be that, and what can go wrong.

TalkError
├── Unreachable    no answer, or one that says "later" (5xx, 408, 429): try again
└── Refused        the manager understood and says no (4xx): do not repeat the same
"""

import ssl
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, TypeVar
from urllib.parse import urlsplit

_Answer = TypeVar("_Answer")


class TalkError(Exception):
    """A request had no good answer."""


class Unreachable(TalkError):
    """No answer, or one that says "later"."""


class Refused(TalkError):
    """The manager says no; `status` is the HTTP status, the text what it said."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"refused ({status}): {text}")
        self.status = status


def typed(kind: Callable[..., _Answer], answer: Any) -> _Answer:
    """Return a JSON object as a message of `wire`; fields that only a newer manager knows are left out.

    Raises:
        Unreachable: it is no such message.
    """
    try:
        return kind(**known(kind, answer))
    except (TypeError, ValueError):
        raise Unreachable(f"the answer is no {getattr(kind, '__name__', kind)}") from None


def known(kind: Callable[..., Any], answer: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a named tuple has fields for; all of it for any other kind."""
    fields = getattr(kind, "_fields", None)
    return {name: value for name, value in dict(answer).items() if fields is None or name in fields}


class Manager:
    """Where the manager is, whom we trust to be it, and who we are.

    Args:
        url: `https://HOST:PORT`.
        ca: PEM of the only CA that is trusted.
        bind_address: source address, empty for the system's choice.
    """

    def __init__(self, url: str, ca: str, bind_address: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 443
        self.source = (bind_address, 0) if bind_address else None
        self._ca = ca
        self.context = self._new_context()

    def use(self, certificate: Path, key: Path) -> None:
        """Show this certificate from the next connection on; open clients reconnect by themselves."""
        context = self._new_context()
        context.load_cert_chain(certificate, key)
        self.context = context

    def _new_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cadata=self._ca)
        return context
