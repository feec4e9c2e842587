"""Times as people write them: `90s`, `30min`, `12h`, `7d`, `2w`."""

from __future__ import annotations

import re

from vmdirac_py.base.errors import BadInput

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
WRITTEN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|min|h|d|w)")


def seconds(text: str) -> float:
    """Return the seconds of a time such as `7d`.

    Raises:
        BadInput: it is written otherwise.
    """
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{text[:40]!r} is no time", mend="write a number and s, min, h, d or w, such as 7d")
    return float(found[1]) * UNITS[found[2]]
