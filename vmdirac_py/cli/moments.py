"""Moments as people write them: `2026-11-22 14:30`, seconds since 1970, or how long ago: `2h`."""

from __future__ import annotations

from datetime import datetime

from vmdirac_py.base.errors import BadInput

from .durations import WRITTEN, seconds


def moment(text: str, *, now: float) -> float:
    """Return the epoch second that is meant; a time without a zone is of this machine's.

    Raises:
        BadInput: it is written otherwise.
    """
    text = text.strip()
    if WRITTEN.fullmatch(text):
        return now - seconds(text)
    try:
        return float(text) if text.replace(".", "", 1).isdecimal() else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        mend = "write it as 2026-11-22 14:30, as seconds since 1970, or as a time ago, such as 2h"
        raise BadInput(f"{text[:40]!r} is no moment", mend=mend) from error
