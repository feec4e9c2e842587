"""Where the server of a state directory is met: its lock, its socket, its log."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from pathlib import Path
from typing import TextIO

from vmdirac_py.base.errors import Unusable
from vmdirac_py.base.processes import alive, start_time

LONGEST_SOCKET_PATH = 100  # bytes; the kernel takes 107
LOCK, SOCKET, LOG = "lock", "socket", "server.log"


def hold(state: Path) -> TextIO:
    """Take the state directory for this process, as long as the returned file stays open.

    Raises:
        Unusable: another server holds it.
    """
    lock = (state / LOCK).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = (lock.read().split() or ["?"])[0]
        lock.close()
        what = f"another server of the embedded cloud (pid {holder}) holds this directory"
        raise Unusable(what, where=str(state), mend="stop it first, or choose another directory") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()} {start_time(os.getpid())}\n")
    lock.flush()
    return lock


def server_pid(state: Path) -> int | None:
    """Return the pid of the server of this state directory, or None when none lives."""
    try:
        pid, started = map(int, (state / LOCK).read_text().split())
    except (OSError, ValueError):
        return None
    return pid if alive(pid, started) else None


def socket_path(state: Path, wanted: Path | None) -> Path:
    """Choose where the socket lies, and tell it in `DIR/socket`.

    Raises:
        Unusable: the wanted path is too long, or the short place is not ours.
    """
    path = wanted or state / "api.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        if wanted is not None:
            raise Unusable("the path is too long for a socket", where=str(wanted), mend="choose a shorter one")
        path = _short_place() / f"{hashlib.sha256(os.fsencode(state)).hexdigest()[:16]}.sock"
    (state / SOCKET).write_text(f"{path}\n")
    return path


def find_socket(state: Path) -> Path:
    """Return where the server of this state directory listens. Raises OSError when none ever did."""
    return Path((state / SOCKET).read_text().rstrip("\n"))


def _short_place() -> Path:
    folder = Path(f"/tmp/vmdirac-{os.geteuid()}")  # noqa: S108 -- checked below: ours and closed to others
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Unusable("not a directory of ours alone", where=str(folder), mend="remove it, or give --socket")
    return folder
