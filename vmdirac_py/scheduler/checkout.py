"""Where Ansible finds our collection and our package: site-packages, or the checkout this code runs from."""

from __future__ import annotations

from pathlib import Path

from vmdirac_py.base.content import checkout_collections, package_parent


def search_paths(parent: Path | None = None) -> dict[str, str]:
    """Return the environment variables that make a checkout's content visible; nothing when it is installed.

    Args:
        parent: the folder that holds the package; found by itself when not given.
    """
    parent = parent or package_parent()
    collections = checkout_collections(parent)
    return {"ANSIBLE_COLLECTIONS_PATH": str(collections), "PYTHONPATH": str(parent)} if collections else {}
