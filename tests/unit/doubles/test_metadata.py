"""What the metadata server answers."""

from __future__ import annotations

from tests.doubles.metadata import answer

FILES = {
    "/latest/meta-data/instance-id": "i-1",
    "/latest/meta-data/placement/zone": "here",
    "/latest/user-data": "#cloud-config\n",
}


def test_a_file_is_answered_by_its_text() -> None:
    """What stands at a path is given, however its slashes are written."""
    assert answer(FILES, "/latest//meta-data/instance-id/") == "i-1"


def test_a_path_above_lists_what_is_below() -> None:
    """Clients walk down from a version: names, those of folders with a slash, one a line."""
    assert answer(FILES, "/latest/meta-data/") == "instance-id\nplacement/"
    assert answer(FILES, "/") == "latest/"


def test_where_nothing_is_nothing_is_answered() -> None:
    """A path beside the known ones is not found, not even one that begins like them."""
    assert answer(FILES, "/latest/meta-data/instance") is None
    assert answer({}, "/") is None
