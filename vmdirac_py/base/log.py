"""Logging: JSON lines in a service, colours on a terminal, and secrets redacted in both.

What libraries say through `logging` (uvicorn of a request it cannot read ...) comes out in the same way.
"""

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
    """Send logs to standard error: colours on a terminal, JSON otherwise; libraries' from WARNING on."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(default=str)
    )
    first: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    last: list[Any] = [structlog.processors.format_exc_info, redact, renderer]
    _take_libraries(first, last, level=logging.INFO if verbose else logging.WARNING)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),  # what it is by then: tests replace it
        cache_logger_on_first_use=False,
    )


def _take_libraries(first: list[Any], last: list[Any], *, level: int) -> None:
    """Send what is said through `logging` the same way."""
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *first], processors=[meta, *last]
        )
    )
    logging.basicConfig(handlers=[handler], level=level)


def logger(name: str) -> Any:
    """Return a logger that names its room."""
    return structlog.get_logger(room=name)
