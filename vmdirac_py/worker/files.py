"""Small files that are either whole or not there, and folders that go whatever a payload did to them."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

OUTBOX, JOBS, OUTPUTS = "outbox", "jobs", "outputs"
"""Folders of a VM's work, in its work folder; that of jobs may be a disk of its own."""


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by `text` at once, mode 0600. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_json(path: Path, document: Any) -> None:
    """Replace `path` by `document` as JSON, at once. Raises OSError."""
    write_whole(path, json.dumps(document))


def remove_tree(folder: Path) -> None:
    """Delete `folder`, also where a payload took the rights away; what cannot be deleted stays. No link is followed."""
    if folder.is_symlink():
        folder.unlink()
        return
    if folder.is_dir():
        folder.chmod(0o700)
    for root, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(root, name)
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
