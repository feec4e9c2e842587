"""Credentials of job owners: recognised, kept where nobody reads them, destroyed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.credentials.owners import Owned, Owners, read_file

PROXY = (
    "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
    "-----BEGIN RSA PRIVATE KEY-----\nhush\n-----END RSA PRIVATE KEY-----\n"
)


def file_of(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a credential."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_proxies_and_tokens_are_recognised(tmp_path: Path) -> None:
    """A PEM with a certificate and a key is a proxy, one word a token; its line end is no part of it."""
    assert read_file(file_of(tmp_path / "p", PROXY)) == Owned(proxy=PROXY)
    assert read_file(file_of(tmp_path / "t", "eyJhbGciOi.eyJz.sig\n")) == Owned(token="eyJhbGciOi.eyJz.sig")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (PROXY, 0o640),
        (PROXY.partition("-----BEGIN RSA")[0], 0o600),
        ("two hushed words", 0o600),
        ("", 0o600),
        ("hush" * 20_000, 0o600),
    ],
)
def test_what_is_no_credential_is_refused_without_showing_it(tmp_path: Path, text: str, mode: int) -> None:
    """A file that others may read, or that is neither kind, is refused by its name; its content is not shown."""
    path = file_of(tmp_path / "c", text, mode)
    with pytest.raises(BadInput, match=str(path)) as refused:
        read_file(path)
    assert "hush" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is told as such."""
    with pytest.raises(BadInput, match="No such file"):
        read_file(tmp_path / "none")


def test_only_we_can_read_what_is_kept(tmp_path: Path) -> None:
    """Folder and files are closed to everybody else; the newest credential of a job is the one that is kept."""
    owners = Owners(tmp_path / "owners")
    owners.put(7, Owned(token="first-token"))
    owners.put(7, Owned(token="second-token"))
    assert owners.get(7) == Owned(token="second-token")
    assert (tmp_path / "owners").stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "owners").iterdir()] == [0o600]


def test_what_is_forgotten_is_overwritten(tmp_path: Path) -> None:
    """A forgotten credential is gone from the disk, not only from the folder; forgetting twice changes nothing."""
    owners = Owners(tmp_path / "owners")
    owners.put(7, Owned(token="the-token"))
    os.link(tmp_path / "owners" / "7", tmp_path / "same-file")
    owners.forget(7)
    owners.forget(7)
    assert set((tmp_path / "same-file").read_bytes()) == {0}
    with pytest.raises(UnknownThing, match="vmdirac job credential 7"):
        owners.get(7)


def test_no_picture_shows_a_secret() -> None:
    """Neither `repr` nor the version of a credential tells what it is; different ones have different versions."""
    one, other = Owned(proxy=PROXY), Owned(token="the-token")
    assert "hush" not in repr(one)
    assert "the-token" not in repr(other) + other.version
    assert one.version != other.version
