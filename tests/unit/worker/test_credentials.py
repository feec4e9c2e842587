"""Credentials in files: they go, whatever was made of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vmdirac_py.worker.credentials import destroy


def test_a_credential_that_was_grown_is_destroyed(tmp_path: Path) -> None:
    """A file that its owner grew beyond all memory is overwritten where the credential was, and gone."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "proxy").write_text("PROXY")
    with (folder / "proxy").open("r+b") as file:
        file.truncate(2**40)
    os.link(folder / "proxy", tmp_path / "same-file")
    destroy(folder)
    assert (tmp_path / "same-file").read_bytes() == b"\0" * 65_536
    assert list(folder.iterdir()) == []


def test_one_that_cannot_be_destroyed_spares_no_other(tmp_path: Path) -> None:
    """What stands in a credential's place does not save the other one."""
    (tmp_path / "token").mkdir()
    (tmp_path / "proxy").write_text("PROXY")
    os.link(tmp_path / "proxy", tmp_path / "same-file")
    with pytest.raises(IsADirectoryError):
        destroy(tmp_path)
    assert (tmp_path / "same-file").read_bytes() == b"\0" * 5
    assert not (tmp_path / "proxy").exists()
