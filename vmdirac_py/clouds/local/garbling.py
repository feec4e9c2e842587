"""Answers that cannot be read, as a proxy or a broken server would give them; ordered by a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .wire import HEADER

PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html><body>502 Bad Gateway</body></html>"


class GarbledAnswerError(Exception):
    """Ordered by a fault: send these bytes instead of the answer."""

    def __init__(self, data: bytes) -> None:
        super().__init__("garbled, as ordered")
        self.data = data


def _framed(message: Mapping[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    return HEADER.pack(len(data)) + data


def _half(answer: Mapping[str, Any]) -> bytes:
    whole = _framed(answer)
    return whole[: (HEADER.size + len(whole)) // 2]


WAYS: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {
    "html": lambda _: PAGE,
    "half": _half,
    "error_inside": lambda answer: _framed({**answer, "error": {"class": "surprise"}}),
}


def garbled(answer: Mapping[str, Any], how: str) -> GarbledAnswerError:
    """Return what to raise so that this answer arrives garbled in one of `WAYS`."""
    return GarbledAnswerError(WAYS[how](answer))
