"""Folders, locks and private files."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testbeds.common import places as common
from tests.testbeds.common.errors import Cannot
from tests.testbeds.openstack import LIFE, places
from tests.testbeds.openstack.places import Places


def test_the_cache_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`$VMDIRAC_OPENSTACK_CACHE` moves environments and the shared bed."""
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path))
    assert LIFE.home() == tmp_path / "cloud"


def test_folders_are_the_owners_alone(tmp_path: Path) -> None:
    """Nobody else enters a bed."""
    made = Places(tmp_path / "bed")
    made.make()
    for folder in (made.home, made.data, made.secrets, made.users):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("call", [Places.make, Places.remove])
def test_a_folder_that_holds_something_else_is_let_alone(tmp_path: Path, call: Callable[[Places], None]) -> None:
    """A home that was mistyped is neither filled nor removed."""
    (tmp_path / "letters").write_text("dear")
    with pytest.raises(Cannot, match="holds something else"):
        call(Places(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["letters"]


def test_a_bed_is_removed_whole(tmp_path: Path) -> None:
    """Nothing of it is left, and removing it once more is fine."""
    made = Places(tmp_path / "bed")
    made.make()
    made.remove()
    made.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new text stands alone, for its owner alone, and nothing is left beside it."""
    file = tmp_path / "deep/file"
    common.write_private(file, "long text")
    common.write_private(file, b"short")
    assert file.read_text() == "short"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_the_second_waits_for_the_lock_and_says_so(tmp_path: Path) -> None:
    """Two never hold a bed's lock at once; the one that waits tells on whom."""
    lock, said, order = tmp_path / "lock", threading.Event(), []

    def second() -> None:
        with common.locked(lock, lambda _: said.set()):
            order.append("second")

    waiting = threading.Thread(target=second)
    with common.locked(lock, lambda _: None):
        waiting.start()
        assert said.wait(20)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
