"""Reading what a message says, key by key; whatever is wrong is a BadRequest that names the key."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from vmdirac_py.clouds.api import BadRequest

from .launching import Order
from .records import Record

Message = dict[str, Any]
MAX_COUNT = 10_000
MARK_KEYS = frozenset({"installation", "batch", "vo", "pool", "vm"})


def public(record: Record) -> Message:
    """Return what a listing tells of an instance."""
    return {
        "id": record.id,
        "mark": record.mark,
        "state": record.state,
        "address": record.address,
        "created_at": record.created_at,
        "fault": record.fault,
        "leaving": record.leaving,
        "flavor": record.flavor,
    }


def order(message: Message) -> Order:
    """Return the launch a message asks for. Raises BadRequest."""
    return Order(
        installation=text(message, "installation"),
        token=text(message, "token"),
        count=_number(message, "count", 1, MAX_COUNT),
        flavor=text(message, "flavor"),
        cores=_number(message, "cores", 1, 1 << 20),
        ram_mb=_number(message, "ram_mb", 0, 1 << 40),
        mark=_mark(message),
        user_data=_bytes(message, "user_data"),
    )


def text(message: Message, key: str) -> str:
    """Return the text under a key. Raises BadRequest when it is missing, empty or no text."""
    value = message.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{key} must be text")
    return value


def _number(message: Message, key: str, least: int, most: int) -> int:
    value = message.get(key)
    if type(value) is not int or not least <= value <= most:
        raise BadRequest(f"{key} must be a whole number from {least} to {most}")
    return value


def _mark(message: Message) -> dict[str, str]:
    mark = message.get("mark")
    if not isinstance(mark, dict) or mark.keys() != MARK_KEYS:
        raise BadRequest(f"mark must have the keys {', '.join(sorted(MARK_KEYS))}")
    if not all(isinstance(value, str) for value in mark.values()) or mark["installation"] != message["installation"]:
        raise BadRequest("mark must be text throughout, and name the caller's installation")
    return mark


def _bytes(message: Message, key: str) -> bytes:
    try:
        return base64.b64decode(message.get(key) or "", validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadRequest(f"{key} must be base64") from error
