"""The name somebody probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.clouds.closest import closest

names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)


@pytest.mark.parametrize("wanted", ["m1.smal", "M1.SMALL", "m1-small"])
def test_a_near_name_is_asked_about(wanted: str) -> None:
    """A slip, another case or another separator leads to the name as the cloud writes it."""
    assert closest(wanted, ["m1.small", "c2.huge", "gpu"]) == "did you mean 'm1.small'?"


def test_a_near_name_keeps_its_case() -> None:
    """The name is told as it is written, whatever case was asked for."""
    assert closest("debian 12", ["Debian-12"]) == "did you mean 'Debian-12'?"


def test_far_names_are_listed() -> None:
    """Where nothing is near, all there is is told, in order and each once."""
    assert closest("zzz", ["b", "a", "b"]) == "there are: a, b"


def test_a_long_list_is_cut() -> None:
    """At most 20 names are told."""
    told = closest("?", [f"name{n:03d}" for n in range(100)])
    assert told.count(",") == 19


def test_nothing_to_mean() -> None:
    """Where there are no names, that is said."""
    assert closest("m1.small", []) == "there are none"


@given(names, st.lists(names, max_size=30))
def test_only_known_names_are_told(wanted: str, known: list[str]) -> None:
    """What is suggested is one of the known names."""
    told = closest(wanted, known)
    if told.startswith("did you mean"):
        assert told.split("'")[1] in known
