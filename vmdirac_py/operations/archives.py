"""Archives that VMs sent: a VM may be hostile, so nothing of them is believed, and nothing is read without a bound."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PIECE = 2**20
"""Bytes that are read at once where a file may be large."""
MOST_AT_ONCE = 2**24
"""Bytes that are ever read at once: the header of a member may claim any size, and small archives hold much."""


class _Gzip(gzip.GzipFile):
    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MOST_AT_ONCE:
            raise tarfile.ReadError("a part of it is too large")
        return super().read(size)


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar.gz.

    Raises:
        OSError, TarError, EOFError, zlib.error: it is not there, or no archive; while it is read also.
    """
    with _Gzip(path) as unzipped, tarfile.open(fileobj=unzipped, mode="r:") as archive:
        yield archive


def members(archive: tarfile.TarFile, *, count: int, size: int) -> Iterator[tarfile.TarInfo]:
    """Yield the members of an archive, so many and with so many bytes at most.

    Raises:
        TarError: there is more in it, or a part of it cannot be read.
    """
    for place, member in enumerate(archive):
        size -= member.size
        if place >= count or size < 0:
            raise tarfile.TarError("there is too much in it")
        yield member


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file piece by piece."""
    while piece := file.read(PIECE):
        yield piece
