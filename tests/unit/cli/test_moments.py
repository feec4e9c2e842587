"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vmdirac_py.base.errors import BadInput
from vmdirac_py.cli.moments import moment

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2h", NOW - 7200),
        ("1700000000.5", 1_700_000_000.5),
        ("2026-11-22T14:30:00+00:00", datetime(2026, 11, 22, 14, 30, tzinfo=UTC).timestamp()),
        ("2026-11-22 14:30", datetime(2026, 11, 22, 14, 30).astimezone().timestamp()),
    ],
)
def test_a_moment_is_what_is_meant(text: str, meant: float) -> None:
    """So long ago, since 1970, with a zone and without one."""
    assert moment(text, now=NOW) == meant


@pytest.mark.parametrize("text", ["", "yesterday", "-3", "nan", "1.2.3", "2026-13-01", "²"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The error says how to write it."""
    with pytest.raises(BadInput, match="no moment"):
        moment(text, now=NOW)
