"""Logging: JSON lines in a service, colours on a terminal, and secrets redacted in both."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_KEY = re.compile(r"password|secret|token|private_key|authorization|credential", re.IGNORECASE)
SECRET_TEXT = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END|$)|(://[^/\s:@]+:)[^@\s]+@", re.DOTALL)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank values whose key says they are secret, and key material or URL passwords inside texts."""
    for key, value in event.items():
        if SECRET_KEY.search(key) and key != "token_deadline":
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = SECRET_TEXT.sub(_blank, value)
    return event


def _blank(match: re.Match[str]) -> str:
    return f"{match[3]}***@" if match[3] else f"{match[1]}***"


def configure(*, verbose: bool = False) -> None:
    """Send logs to standard error: colours on a terminal, JSON otherwise."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(default=str)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> Any:
    """Return a logger that names its room."""
    return structlog.get_logger(room=name)
