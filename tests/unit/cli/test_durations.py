"""Times as people write them."""

from __future__ import annotations

import pytest

from vmdirac_py.base.errors import BadInput
from vmdirac_py.cli.durations import seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("30min", 1800), ("1.5h", 5400), ("7d", 604800), (" 2 w ", 1209600), ("0s", 0)]
)
def test_units_are_understood(text: str, expected: float) -> None:
    """A number and its unit, with or without a space."""
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 days", "1e9d", "7m"])
def test_other_writings_are_refused(text: str) -> None:
    """The error says how it is written; minutes are `min`, so that nobody takes them for months."""
    with pytest.raises(BadInput, match="7d"):
        seconds(text)
