"""The roles that make a VM of an image, as one archive with the same bytes at each build."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from vmdirac_py.base.content import COLLECTION, collection

from .roles import ROLES

PLAYBOOK = PurePosixPath("playbooks", "contextualise.yml")
LEFT_OUT = frozenset({"README.md", "__pycache__"})
TOP = PurePosixPath(COLLECTION.as_posix())
"""Inside, so that the roles' full names hold on the VM too."""


def packed(folder: Path) -> bytes:
    """Return the archive of the collection in `folder`; it depends on names and contents of files alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted({*_files(folder), PLAYBOOK}):
            data = (folder / name).read_bytes()
            entry = tarfile.TarInfo(str(TOP / name))  # time, owner and rights of a fresh entry are always the same
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[PurePosixPath]:
    for role in ROLES:
        for path in (folder / "roles" / role).rglob("*"):
            name = PurePosixPath(path.relative_to(folder).as_posix())
            if path.is_file() and LEFT_OUT.isdisjoint(name.parts):
                yield name


@cache
def roles_archive() -> tuple[str, bytes]:
    """Return the SHA-256 and the bytes of our own roles' archive. Raises OSError."""
    data = packed(collection())
    return hashlib.sha256(data).hexdigest(), data
