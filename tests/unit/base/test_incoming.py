"""Blobs written piece by piece."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmdirac_py.base.blobs import BlobStore
from vmdirac_py.base.errors import Unusable


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(pieces=st.lists(st.binary(max_size=100)))
def test_pieces_make_the_same_blob_as_the_whole(tmp_path: Path, pieces: list[bytes]) -> None:
    """However data comes in, its name is its SHA-256 and its bytes are the bytes."""
    store = BlobStore(tmp_path / "blobs")
    with store.incoming() as incoming:
        for piece in pieces:
            incoming.write(piece)
        name = incoming.keep()
    assert name == hashlib.sha256(b"".join(pieces)).hexdigest() == store.put(b"".join(pieces))
    assert store.get(name) == b"".join(pieces)


def test_what_is_not_kept_is_gone(tmp_path: Path) -> None:
    """Left without `keep`, by an error or not, an incoming blob leaves no file."""
    store = BlobStore(tmp_path)
    with store.incoming() as incoming:
        incoming.write(b"half")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    """Where no folder can be made, the error names the place and what to do."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unusable, match="free space or mend the file rights") as caught:
        BlobStore(tmp_path / "file" / "blobs").put(b"data")
    assert caught.value.where == str(tmp_path / "file" / "blobs")
