"""Blobs: the same bytes are one file, and names lead nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vmdirac_py.base.blobs import BlobStore
from vmdirac_py.base.errors import UnknownThing


def test_equal_bytes_are_one_blob(tmp_path: Path) -> None:
    """Storing twice changes nothing, and what was stored comes back."""
    store = BlobStore(tmp_path)
    assert store.put(b"work") == store.put(b"work")
    assert store.get(store.put(b"work")) == b"work"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "x" * 64, "a" * 63])
def test_a_name_that_is_none_leads_nowhere(tmp_path: Path, name: str) -> None:
    """Only a SHA-256 in hex is looked up."""
    with pytest.raises(UnknownThing):
        BlobStore(tmp_path).path(name)


def test_uploads_cut_off_long_ago_are_forgotten(tmp_path: Path) -> None:
    """What a killed upload left goes; an upload in flight and the blobs stay."""
    store = BlobStore(tmp_path)
    kept = store.put(b"work")
    store.incoming().write(b"abandoned")
    (abandoned,) = tmp_path.glob("incoming-*")
    os.utime(abandoned, (1000.0, 1000.0))
    with store.incoming() as going:
        going.write(b"now")
        assert store.forget_abandoned(older_than=2000.0) == 1
        assert len(list(tmp_path.glob("incoming-*"))) == 1
    assert store.get(kept) == b"work"
