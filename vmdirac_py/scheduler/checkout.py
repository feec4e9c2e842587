"""Where Ansible finds our collection and our package: site-packages, or the checkout this code runs from."""

from __future__ import annotations

from pathlib import Path

import vmdirac_py

COLLECTION = Path("ansible_collections", "vmdirac", "cloud")


def search_paths(parent: Path | None = None) -> dict[str, str]:
    """Return the environment variables that make a checkout's content visible; nothing when it is installed.

    Args:
        parent: the folder that holds the package; found by itself when not given.
    """
    parent = parent or Path(vmdirac_py.__file__).resolve().parent.parent
    if not (parent / "collections" / COLLECTION).is_dir():
        return {}
    return {"ANSIBLE_COLLECTIONS_PATH": str(parent / "collections"), "PYTHONPATH": str(parent)}
