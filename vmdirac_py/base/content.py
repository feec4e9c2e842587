"""Where playbooks and roles lie: in the checkout this code runs from, or in the collection beside the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import vmdirac_py

COLLECTION = Path("ansible_collections", "vmdirac", "cloud")


def package_parent() -> Path:
    """Return the folder that holds the package: a checkout, or site-packages."""
    return Path(vmdirac_py.__file__).resolve().parent.parent


def checkout_collections(parent: Path) -> Path | None:
    """Return the folder of a checkout that holds the collection; None where the package is installed."""
    folder = parent / "collections"
    return folder if (folder / COLLECTION).is_dir() else None


@cache
def collection() -> Path:
    """Return the collection's folder, with `roles` and `playbooks` in it."""
    parent = package_parent()
    return (checkout_collections(parent) or parent) / COLLECTION
