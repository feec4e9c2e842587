"""Reading one value: the types a field may have, as data. Text that looks like a number stays text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vmdirac_py.model.inventory import Context
from vmdirac_py.model.value import Amount, Count, Seconds


class Unfit(ValueError):
    """The value does not fit; the message says what is wanted and never shows a mapping's content."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of value by the name people read, and how it is read (raises Unfit)."""

    name: str
    read: Callable[[Any], Any]


def _text(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise Unfit(f"wants text, has {show(value)}")


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Unfit(f"wants a whole number, has {show(value)}")


def _number(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise Unfit(f"wants a number, has {show(value)}")


def _yes_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Unfit(f"wants true or false, has {show(value)}")


def _limit(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _amount(value: Any) -> float | None:
    return None if value is None else _number(value)


def _counts(value: Any) -> Mapping[str, int]:
    counts = {key: _whole(entry) for key, entry in _mapping(value).items()}
    if any(entry < 0 for entry in counts.values()):
        raise Unfit("wants numbers of at least 0")
    return counts


def _moment(value: Any) -> float | None:
    """Return epoch seconds. A time without its zone would mean another moment on another machine."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        raise Unfit(f"wants a date and time, has {show(value)}") from None
    if moment.tzinfo is None:
        raise Unfit(f"lacks its time zone: {show(value)}")
    return moment.timestamp()


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(entry, str) and entry.strip() for entry in value):
        return tuple(value)
    raise Unfit(f"wants a list of texts, has {show(value)}")


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return value
    raise Unfit(f"wants a mapping, has {type(value).__name__}")


def _context(value: Any) -> Mapping[str, Mapping[str, Any]]:
    context = {role: {} if options is None else options for role, options in _mapping(value).items()}
    for role, options in context.items():
        if not isinstance(options, dict) or not all(isinstance(key, str) for key in options):
            raise Unfit(f"wants a mapping of options for role {show(role)}, has {show(options)}")
    return context


_NUMBER = Type("number", _number)
TYPES: Mapping[Any, Type] = {
    str: Type("text", _text),
    int: Type("whole number", _whole),
    Count: Type("whole number", _whole),
    Seconds: _NUMBER,
    Amount: _NUMBER,
    bool: Type("true or false", _yes_no),
    Amount | None: Type("number, or null for no limit", _amount),
    Count | None: Type("whole number, or null for no limit", _limit),
    Mapping[str, Count]: Type("mapping of names to whole numbers", _counts),
    tuple[str, ...]: Type("list of texts", _texts),
    Mapping[str, Any]: Type("mapping", _mapping),
    Context: Type("mapping of roles to their options", _context),
}
"""By the type of the model's field."""

MOMENT = Type("date and time with its zone", _moment)


def show(value: Any) -> str:
    """Return a short picture of a value for an error text."""
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = f"text {value!r}" if isinstance(value, str) else "nothing" if value is None else _digits(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _digits(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # Python refuses to print integers of thousands of digits
        return "an absurdly long number"


LONGEST = 60
