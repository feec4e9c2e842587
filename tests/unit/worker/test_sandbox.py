from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from vmdirac_py.worker.sandbox import BadSandbox, inside, pack, unpack


def member(name: str, **changes: object) -> tarfile.TarInfo:
    """Return a tar member."""
    made = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(made, key, value)
    return made


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    """Write a tar.gz of these members, files holding `data`."""
    with tarfile.open(path, "w:gz") as tar:
        for one in members:
            one.size = 4 if one.isreg() else 0
            tar.addfile(one, io.BytesIO(b"data") if one.isreg() else None)
    return path


MOST = 10**6
LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
ESCAPES = [
    [member("../out")],
    [member("/etc/vmdirac-out")],
    [member("a/../../out")],
    [member("link", type=LINK, linkname="/etc/passwd")],
    [member("link", type=LINK, linkname="../..")],
    [member("link", type=LINK, linkname=".."), member("link/out")],
    [member("here", type=LINK, linkname="."), member("up", type=LINK, linkname="here/here/../../..")],
    [member("hard", type=HARD, linkname="../../etc/passwd")],
    [member("pipe", type=tarfile.FIFOTYPE)],
    [member("device", type=tarfile.CHRTYPE)],
]


@pytest.mark.parametrize("members", ESCAPES, ids=lambda m: m[-1].name)
def test_escapes_are_refused_whole(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    """An archive with one member that reaches outside, or is no plain thing, leaves nothing behind."""
    home = tmp_path / "a" / "home"
    home.mkdir(parents=True)
    with pytest.raises(BadSandbox):
        unpack(archive(tmp_path / "x.tar.gz", member("good"), *members), home, MOST)
    assert list(home.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "x.tar.gz"]


@pytest.mark.parametrize("members", ESCAPES[:8], ids=lambda m: m[-1].name)
def test_escapes_are_refused_without_pythons_own_filter(
    tmp_path: Path, members: list[tarfile.TarInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older Pythons without tarfile's data filter are protected by our own check alone."""
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    with pytest.raises(BadSandbox):
        unpack(archive(tmp_path / "x.tar.gz", *members), tmp_path, MOST)


def test_good_archives_are_unpacked(tmp_path: Path) -> None:
    """Files, folders and downward links arrive; set-user-id bits do not."""
    home = tmp_path / "home"
    home.mkdir()
    made = archive(
        tmp_path / "x.tar.gz",
        member("d", type=tarfile.DIRTYPE, mode=0o755),
        member("d/run", mode=0o4755),
        member("link", type=LINK, linkname="d/run"),
    )
    unpack(made, home, MOST)
    assert (home / "link").read_text() == "data"
    assert (home / "d/run").stat().st_mode & 0o7777 == 0o755


def test_a_broken_archive_is_told(tmp_path: Path) -> None:
    """What is no tar.gz, or was cut, is a BadSandbox."""
    (tmp_path / "x").write_bytes(b"no archive")
    with pytest.raises(BadSandbox):
        unpack(tmp_path / "x", tmp_path, MOST)
    whole = archive(tmp_path / "y", member("file"), *(member(f"more{i}") for i in range(50))).read_bytes()
    (tmp_path / "y").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadSandbox):
        unpack(tmp_path / "y", tmp_path, MOST)


@pytest.mark.parametrize("sizes", [[10**12], [400_000] * 3, [0] * 250])
def test_what_would_fill_the_disk_is_refused_whole(tmp_path: Path, sizes: list[int]) -> None:
    """A small archive of large files, or of very many, is refused before anything of it is unpacked."""
    home = tmp_path / "home"
    home.mkdir()
    with tarfile.open(tmp_path / "x", "w:gz") as tar:
        for number, size in enumerate(sizes):
            one = member(f"file{number}", size=size)
            tar.addfile(one, io.BytesIO(b"\0" * size) if size < MOST else None)
    with pytest.raises(BadSandbox, match="too large"):
        unpack(tmp_path / "x", home, MOST)
    assert list(home.iterdir()) == []


def test_packing_takes_names_patterns_and_folders(tmp_path: Path) -> None:
    """Names, patterns and folders are packed once each; what matches nothing is told."""
    home = tmp_path / "home"
    (home / "d").mkdir(parents=True)
    for name in ("std.out", "a.txt", "b.txt", "d/c"):
        (home / name).write_text(name)
    missing = pack(home, ["std.out", "*.txt", "a.txt", "d", "none"], tmp_path / "out", 1000)
    with tarfile.open(tmp_path / "out") as tar:
        assert sorted(tar.getnames()) == ["a.txt", "b.txt", "d", "d/c", "std.out"]
    assert missing == ["none"]


def test_packing_follows_no_link_out(tmp_path: Path) -> None:
    """A link to a file outside, or an absolute or upward name, is not packed."""
    home, secret = tmp_path / "home", tmp_path / "secret"
    (home / "d").mkdir(parents=True)
    secret.write_text("secret")
    (home / "link").symlink_to(secret)
    (home / "d" / "link").symlink_to(secret)
    missing = pack(home, ["link", "../secret", str(secret), "d"], tmp_path / "out", 1000)
    with tarfile.open(tmp_path / "out") as tar:
        assert tar.getnames() == ["d"]
    assert missing == ["link", "../secret", str(secret)]


def test_inside(tmp_path: Path) -> None:
    """A name that leads out, by dots or links, is refused; the folder itself too."""
    (tmp_path / "up").symlink_to("/etc")
    assert inside(tmp_path, "a/b") == tmp_path.resolve() / "a/b"
    for name in ("..", "/etc/passwd", "up/passwd", "."):
        with pytest.raises(BadSandbox):
            inside(tmp_path, name)
