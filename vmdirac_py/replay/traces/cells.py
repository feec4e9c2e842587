"""What stands in one cell of a CSV trace. Each raises ValueError with what should stand there."""

from __future__ import annotations

from datetime import UTC, datetime

from .gathering import MOST

MOST_WHOLE = 10**9
FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def name(text: str) -> str:
    """Return a name as it stands."""
    return text


def names(text: str) -> tuple[str, ...]:
    """Return a list of names, sorted, each once."""
    return tuple(sorted({part.strip() for part in text.split(",")} - {""}))


def number(text: str) -> float:
    """Return a number that is not negative."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < MOST:  # also false for what is no number at all (nan)
        raise ValueError("a number, 0 or more")
    return value


def whole(text: str) -> int:
    """Return a whole number that is not negative."""
    value = number(text)
    if not (value.is_integer() and value <= MOST_WHOLE):
        raise ValueError(f"a whole number, 0 to {MOST_WHOLE}")
    return int(value)


def flag(text: str) -> bool:
    """Return yes or no."""
    if text.lower() not in FLAGS:
        raise ValueError("one of " + ", ".join(FLAGS))
    return FLAGS[text.lower()]


def moment(text: str) -> float:
    """Return a time in seconds: a number of them, or a date and time of ISO 8601 (UTC where it names no zone)."""
    try:
        return number(text)
    except ValueError:
        return _iso(text)


def _iso(text: str) -> float:
    try:
        told = datetime.fromisoformat(text)
        seconds = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        seconds = -1.0
    if seconds < 0:
        raise ValueError("seconds, or a time such as 2005-11-20T00:00:05Z")
    return seconds
