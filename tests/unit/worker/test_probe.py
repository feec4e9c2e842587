from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from vmdirac_py.worker.probe import anchors, files, unreachable


def certificates(folder: Path, crl_hours: float | None = None) -> Path:
    """Fill a folder with a certificate and, of that age, a list of revoked ones."""
    (folder / "1234abcd.0").write_text("certificate")
    if crl_hours is not None:
        (folder / "1234abcd.r0").write_text("list")
        then = time.time() - crl_hours * 3600
        os.utime(folder / "1234abcd.r0", (then, then))
    return folder


def test_a_folder_with_something_in_it_is_well(tmp_path: Path) -> None:
    """A repository that lists and reads is well, whether it has files or folders at its top."""
    (tmp_path / "folder").mkdir()
    assert files(str(tmp_path)) == ""
    (tmp_path / "new_repository").write_text("1")
    assert files(str(tmp_path)) == ""


def test_an_unmounted_repository_is_told(tmp_path: Path) -> None:
    """An empty mount point and one that is not there are told apart."""
    assert files(str(tmp_path)) == "is empty"
    with pytest.raises(FileNotFoundError):
        files(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("crl_hours", "allowed", "word"),
    [(None, "0", ""), (None, "72", "no lists"), (10, "72", ""), (80, "72", "80 hours old"), (80, "0", "")],
)
def test_the_age_of_revocation_lists(tmp_path: Path, crl_hours: float | None, allowed: str, word: str) -> None:
    """The newest list may not be older than allowed; 0 hours does not look."""
    wrong = anchors(str(certificates(tmp_path, crl_hours)), allowed)
    assert word in wrong
    assert bool(wrong) == bool(word)


def test_one_new_list_is_enough(tmp_path: Path) -> None:
    """An authority that is gone leaves an old list behind; the others are still renewed."""
    certificates(tmp_path, 500)
    (tmp_path / "5678abcd.r0").write_text("new")
    assert anchors(str(tmp_path), "72") == ""


def test_no_certificates(tmp_path: Path) -> None:
    """A folder without certificates is told, whatever else is in it."""
    (tmp_path / "readme").write_text("x")
    assert anchors(str(tmp_path), "0") == "holds no certificates"


def test_what_answers_is_told_with_the_uid_that_got_through() -> None:
    """An address that accepts a connection is not cut off; a closed one is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert unreachable("127.0.0.1", port) == f"answers to uid {os.geteuid()}"
    assert unreachable("127.0.0.1", port) == ""
