"""Faults: read strictly, counted down, lasting where they should."""

from __future__ import annotations

from typing import Any

import pytest

from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.clouds.local.faults import Faults, read_fault
from vmdirac_py.model.batch import ErrorClass


def faults(*raw: dict[str, Any]) -> Faults:
    """Return faults that are set."""
    made = Faults()
    for one in raw:
        made.set(read_fault(one))
    return made


def test_it_strikes_as_often_as_ordered() -> None:
    """A fault with `times` strikes that often, then no more."""
    made = faults({"kind": "refuse", "call": "launch", "times": 2, "error_class": "quota"})
    struck = [made.take("refuse", call="launch") for _ in range(3)]
    assert [fault and fault.error_class for fault in struck] == [ErrorClass.QUOTA, ErrorClass.QUOTA, None]


@pytest.mark.parametrize("kind", ["lag", "omit", "half"])
def test_listings_lie_until_cleared(kind: str) -> None:
    """Faults of listings last until they are cleared."""
    made = faults({"kind": kind})
    assert all(made.take(kind) for _ in range(5))
    made.clear()
    assert made.take(kind) is None


def test_only_its_own_call_and_moment() -> None:
    """A fault of one call leaves other calls and the other moment alone."""
    made = faults({"kind": "hang", "call": "terminate", "when": "after"})
    assert made.take("hang", call="launch", when="after") is None
    assert made.take("hang", call="terminate", when="before") is None
    assert made.take("hang", call="terminate", when="after") is not None


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (None, "kind"),
        ({}, "kind"),
        ({"kind": "explode"}, "kind"),
        ({"kind": "half", "seconds": 1}, "seconds"),
        ({"kind": "hang", "seconds": "1"}, "seconds"),
        ({"kind": "hang", "seconds": -1}, "seconds"),
        ({"kind": "hang", "when": "later"}, "when"),
        ({"kind": "lose", "call": "sing"}, "call"),
        ({"kind": "lose", "times": True}, "times"),
        ({"kind": "refuse", "error_class": "mood"}, "error_class"),
        ({"kind": "kill", "instance": 1}, "instance"),
    ],
)
def test_a_wrong_fault_is_refused(raw: Any, named: str) -> None:
    """An unknown kind or key, or a value of the wrong type, is refused by name."""
    with pytest.raises(BadRequest, match=named):
        read_fault(raw)


def test_only_known_ways_to_garble() -> None:
    """An answer is garbled in one of the ways there are; another is refused with their names."""
    assert faults({"kind": "garble", "call": "list", "how": "half"}).take("garble", call="list")
    with pytest.raises(BadRequest, match="how must be one of html, half, error_inside"):
        read_fault({"kind": "garble", "how": "upside down"})
