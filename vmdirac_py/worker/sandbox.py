"""Sandboxes in and out: tar.gz files unpacked without escape, and packed without following links out."""

import glob
import os
import tarfile
from pathlib import Path
from typing import Iterable, List, Set, Tuple


class BadSandbox(Exception):
    """An archive that is broken or reaches outside its folder; nothing of it was unpacked."""


_BLOCK = 4096  # bytes of disk that even an empty file may take


def unpack(archive: Path, folder: Path, most: int) -> None:
    """Unpack a tar.gz into `folder`: plain files, folders and links that point down, owned by us.

    Raises:
        BadSandbox: not a tar.gz, a member that is not such, or more than `most` bytes of disk.
        OSError: the disk refused.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = _members(tar, most)
            # Python's own filter is a second lock where there is one (3.9.17+, 3.10.12+, 3.11.4+, 3.12+).
            locks = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(folder, members, **locks)  # type: ignore[arg-type]  # noqa: S202 -- each member was checked
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BadSandbox(f"{type(error).__name__}: {error}") from None


def inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`, links followed.

    Raises:
        BadSandbox: it lies outside.
    """
    path = Path(os.path.realpath(folder / name))
    root = Path(os.path.realpath(folder))
    if root not in path.parents:
        raise BadSandbox(f"{name!r} is not inside the job's folder")
    return path


class TooLarge(Exception):
    """There is more to pack than `most` bytes; no archive is left."""


def pack(folder: Path, names: Iterable[str], archive: Path, most: int) -> List[str]:
    """Write the named files, folders and patterns of `folder` to a tar.gz; return the names that matched nothing.

    Raises:
        TooLarge: the files have more than `most` bytes together: a few zeros can stand for a disk full of them.
        OSError: the disk refused.
    """
    missing: List[str] = []
    done: Set[str] = set()
    left = Allowance(most)
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name in names:
            found = _matching(folder, name)
            if not found:
                missing.append(name)
            for path, stored in found:
                if stored not in done:
                    done.add(stored)
                    tar.add(path, stored, filter=left.plain)
    return missing


class Allowance:
    """How many bytes may still be packed."""

    def __init__(self, most: int) -> None:
        self._left = most

    def plain(self, member: tarfile.TarInfo) -> "tarfile.TarInfo | None":
        """Let plain files and folders pass. Raises TooLarge."""
        if not (member.isreg() or member.isdir()):
            return None
        self._left -= member.size
        if self._left < 0:
            raise TooLarge
        return member


def _members(tar: tarfile.TarFile, most: int) -> List[tarfile.TarInfo]:
    """Return all members, each checked as it is read: of what is too large no more is read than that takes."""
    members = []
    for member in tar:
        _tame(member)
        most -= member.size + _BLOCK
        if most < 0:
            raise BadSandbox("it is too large when unpacked")
        members.append(member)
    return members


def _tame(member: tarfile.TarInfo) -> None:
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise BadSandbox(f"{member.name!r} is no file, folder or link")
    _downward(member.name)
    if member.issym() or member.islnk():
        # A target without ".." can only lead further down, whatever other links it passes through.
        _downward(member.linkname)
    member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
    member.mode = (member.mode & 0o755) | (0o700 if member.isdir() else 0o600)


def _downward(name: str) -> None:
    if name.startswith("/") or ".." in name.split("/"):
        raise BadSandbox(f"{name!r} reaches outside")


def _matching(folder: Path, name: str) -> List[Tuple[Path, str]]:
    """Return (real path, name in the archive) for each match that lies inside `folder`."""
    found = []
    for match in sorted(glob.glob(os.path.join(glob.escape(str(folder)), name))):  # noqa: PTH118,PTH207 -- Path.glob refuses absolute names
        try:
            path = inside(folder, os.path.relpath(match, folder))
        except BadSandbox:
            continue
        if path.is_file() or path.is_dir():
            found.append((path, os.path.relpath(match, folder)))
    return found
