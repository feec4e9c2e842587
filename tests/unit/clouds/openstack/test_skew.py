"""How far the clocks are apart."""

from __future__ import annotations

from email.utils import formatdate

import pytest
import requests

from vmdirac_py.clouds.openstack.skew import Skew

NOW = 1_800_000_000.0


def told(date: str) -> str:
    """Return what is said after an answer with this `Date`."""
    answer = requests.Response()
    answer.headers["Date"] = date
    skew = Skew(lambda: NOW)
    skew(answer)
    return skew.words()


@pytest.mark.parametrize(("cloud", "words"), [(NOW - 7200, "7200 s ahead of"), (NOW + 300, "300 s behind")])
def test_clocks_apart_are_told(cloud: float, words: str) -> None:
    """A difference is told with its size and direction."""
    assert words in told(formatdate(cloud, usegmt=True))


@pytest.mark.parametrize("date", [formatdate(NOW - 5, usegmt=True), "", "yesterday"])
def test_nothing_to_tell(date: str) -> None:
    """A few seconds, no date or nonsense tell nothing."""
    assert told(date) == ""
