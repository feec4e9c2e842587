"""What a program says, kept short."""

from __future__ import annotations

import os
from pathlib import Path

from vmdirac_py.worker.spool import Spool


def _said(spool: Spool, *pieces: bytes) -> None:
    reads, writes = os.pipe()
    thread = spool.follow(os.fdopen(reads, "rb"))
    for piece in pieces:
        os.write(writes, piece)
    os.close(writes)
    thread.join()


def test_all_that_is_said_is_kept(tmp_path: Path) -> None:
    """Words stand in the file in their order, and its end is at hand."""
    spool = Spool(tmp_path / "log")
    _said(spool, b"first\n", b"last\n")
    assert (tmp_path / "log").read_text() == "first\nlast\n"
    assert spool.tail(5) == "last\n"


def test_a_flood_fills_no_disk(tmp_path: Path) -> None:
    """The file and the one before it stay near the bound, whatever is printed."""
    spool = Spool(tmp_path / "log", longest=10_000)
    _said(spool, *[bytes(5_000)] * 40)
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) <= 2
    assert max(sizes) <= 10_000 + 65_536


def test_what_an_earlier_one_said_is_kept_beside(tmp_path: Path) -> None:
    """A worker that starts again does not overwrite why its pilot ended before."""
    (tmp_path / "log").write_text("earlier")
    spool = Spool(tmp_path / "log")
    assert (tmp_path / "log.1").read_text() == "earlier"
    assert spool.tail(100) == ""
