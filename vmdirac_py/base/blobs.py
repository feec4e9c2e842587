"""Blobs: sandboxes, consoles and bundles as files named by their SHA-256, never rows."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from .errors import UnknownThing, Unusable

INCOMING = "incoming-"  # how the files of uploads in flight begin
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
        with self.incoming() as incoming:
            incoming.write(data)
            return incoming.keep()

    def incoming(self) -> Incoming:
        """Return a blob that is written piece by piece. Raises Unusable when the disk refuses."""
        return Incoming(self)

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

    def forget_abandoned(self, *, older_than: float) -> int:
        """Remove what uploads left behind that were cut off, from before `older_than` (epoch); return how many."""
        left = [path for path in self.root.glob(f"{INCOMING}*") if path.stat().st_mtime < older_than]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


class Incoming:
    """A blob on its way in: `write` pieces, then `keep` it; left without that, as a context manager, it is forgotten.

    All methods raise Unusable when the disk refuses (full, read-only ...); no half blob is left.
    """

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        with _disk(store.root):
            store.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = tempfile.NamedTemporaryFile(dir=store.root, prefix=INCOMING, delete=False)  # noqa: SIM115 closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # an unwritten rest on a full disk; the file goes anyway
            self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Append a piece."""
        self._hash.update(piece)
        with _disk(self._store.root):
            self._file.write(piece)

    def keep(self) -> str:
        """Make what was written a blob, on the disk for good, and return its SHA-256."""
        name = self._hash.hexdigest()
        self.keep_as(self._store.path(name))
        return name

    def keep_as(self, path: Path) -> None:
        """Make what was written the file `path`, on the disk for good."""
        with _disk(self._store.root):
            self._file.flush()
            os.fsync(self._file.fileno())
            path.parent.mkdir(exist_ok=True, mode=0o700)
            Path(self._file.name).replace(path)


@contextlib.contextmanager
def _disk(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unusable(
            f"cannot store a blob: {error.strerror}",
            where=str(root),
            mend="free space or mend the file rights, then repeat",
        ) from error
