"""Looks after one payload while it runs: its time, its disk, its streams, its credential."""

import contextlib
import os
import stat
import threading
import time
from pathlib import Path
from typing import Callable, List, Protocol, Sequence

from .cgroup import MB
from .log import say
from .payload import CannotRun
from .trust import TalkError

_STREAM_SECONDS = 1.0
_DISK_SECONDS, _DISK_SHARE = 5.0, 50  # looking takes at most a fiftieth of the time
_AGAIN_SECONDS = 1.0
_BLOCK = 512  # bytes in which `st_blocks` counts


class Check(Protocol):
    """Something that is looked at again and again."""

    every: float
    """Seconds until it is looked at (again)."""

    def look(self) -> str:
        """Return why the payload must end, empty when it may go on."""


class TimeLimit:
    """The payload's time by the clock on the wall."""

    def __init__(self, seconds: float) -> None:
        self.every = seconds

    def look(self) -> str:
        """Say that the time is over, when it is."""
        return "CPU time exceeded"


class StreamLimit:
    """How long standard output and error may become."""

    every = _STREAM_SECONDS

    def __init__(self, files: Sequence[Path], most_mb: int) -> None:
        self._files, self._most = set(files), most_mb * MB

    def look(self) -> str:
        """Compare their sizes."""
        return f"Output stream larger than {self._most // MB} MB" if self.longer() else ""

    def longer(self) -> List[Path]:
        """Return the files that are too long."""
        return [path for path in self._files if _length(path) > self._most]

    def cut(self) -> None:
        """Keep the beginning of those that are too long. Raises OSError."""
        for path in self.longer():
            if os.path.realpath(path) == str(path):  # no folder on its way became a link
                os.truncate(path, self._most)


class DiskLimit:
    """How much disk the payload's folders may take."""

    def __init__(self, folder: Path, most_mb: int) -> None:
        self.every = _DISK_SECONDS
        self._folder, self._most = folder, most_mb * MB

    def look(self) -> str:
        """Add up what lies in the folders."""
        begun = time.monotonic()
        used = taken(self._folder)
        self.every = max(_DISK_SECONDS, _DISK_SHARE * (time.monotonic() - begun))
        return f"Disk limit of {self._most // MB} MB exceeded (MaxDisk)" if used > self._most else ""


class Renewal:
    """The owner's credential, asked for again and again; what goes wrong is said and never ends a payload."""

    def __init__(self, renew: Callable[[], bool], every: float, job: int) -> None:
        self._renew, self.every, self._job = renew, every, job

    def look(self) -> str:
        """Renew it if there is a new one."""
        try:
            if self._renew():
                say(f"job {self._job}: new credential")
        except (TalkError, CannotRun, OSError) as error:
            say(f"job {self._job}: credential: {error}")
        return ""


class Guard:
    """A thread that looks at each check when it is due and ends the payload at the first reason.

    Args:
        checks: what to look at.
        end: ends the payload, given the reason.
    """

    def __init__(self, checks: Sequence[Check], end: Callable[[str], None]) -> None:
        self._checks, self._end = checks, end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="guard", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        if self._checks:
            self._thread.start()

    def stop(self) -> None:
        """Look no more; returns when no look is under way."""
        self.leave()
        if self._checks:
            self._thread.join()

    def leave(self) -> None:
        """Look no more; a look that is under way ends by itself."""
        self._over.set()

    def _live(self) -> None:
        due = {check: time.monotonic() + check.every for check in self._checks}
        while not self._over.wait(max(0.0, min(due.values()) - time.monotonic())):
            check = min(due, key=lambda one: due[one])
            reason = _seen(check)
            if reason:
                self._end_with(reason)
                return
            due[check] = time.monotonic() + check.every

    def _end_with(self, reason: str) -> None:
        """End the payload, again and again until its first process is gone."""
        while not self._over.is_set():
            self._end(reason)
            self._over.wait(_AGAIN_SECONDS)


def _seen(check: Check) -> str:
    """Return why the payload must end; a look that fails says so and is taken again when it is due."""
    try:
        return check.look()
    except Exception as error:  # noqa: BLE001 -- a guard that died in silence would let the payload do anything
        say(f"{type(check).__name__}: {type(error).__name__}: {error}")
        return ""


def _length(path: Path) -> int:
    """Return the bytes of a plain file, 0 of all else: the payload may change what is there at any moment."""
    with contextlib.suppress(OSError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            return found.st_size
    return 0


def taken(folder: Path) -> int:
    """Return the bytes of disk below a folder; links are not followed, and what vanishes meanwhile is passed over."""
    total, folders = 0, [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:
            continue
    return total
