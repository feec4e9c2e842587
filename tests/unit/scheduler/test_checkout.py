"""Where Ansible looks for our content."""

from __future__ import annotations

from pathlib import Path

from vmdirac_py.base.content import COLLECTION
from vmdirac_py.scheduler.checkout import search_paths


def test_a_checkout_is_searched(tmp_path: Path) -> None:
    """Beside a package with a collections folder, both are made visible."""
    (tmp_path / "collections" / COLLECTION).mkdir(parents=True)
    assert search_paths(tmp_path) == {
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "PYTHONPATH": str(tmp_path),
    }


def test_an_installed_package_needs_no_path(tmp_path: Path) -> None:
    """In site-packages the collection is found by itself."""
    assert search_paths(tmp_path) == {}
