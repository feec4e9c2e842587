"""Blobs: sandboxes, consoles and bundles as files named by their SHA-256, never rows."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from .errors import UnknownThing, Unusable

NAME_LENGTH = hashlib.sha256().digest_size * 2


class BlobStore:
    """A folder of write-once files named by their SHA-256.

    Args:
        root: the folder; made on first use with mode 0700.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> str:
        """Store `data` and return its SHA-256; storing the same bytes again changes nothing.

        Raises:
            Unusable: the disk refused (full, read-only ...); no half file is left.
        """
        name = hashlib.sha256(data).hexdigest()
        path = self.path(name)
        if not path.exists():
            try:
                self._write(path, data)
            except OSError as error:
                raise Unusable(
                    f"cannot store a blob: {error.strerror}",
                    where=str(self.root),
                    mend="free space or mend the file rights, then repeat",
                ) from error
        return name

    def get(self, name: str) -> bytes:
        """Return the bytes stored under `name`.

        Raises:
            UnknownThing: no such blob.
        """
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            raise UnknownThing("no such blob", where=name) from None

    def path(self, name: str) -> Path:
        """Return where the blob `name` lives (two levels, so that folders stay small)."""
        if len(name) != NAME_LENGTH or not set(name) <= set("0123456789abcdef"):
            raise UnknownThing("not a blob name", where=name[:80])
        return self.root / name[:2] / name

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
