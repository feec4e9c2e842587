"""A payload's process with all that stands around it: begun once, struck until nothing of it is left."""

import os
import subprocess
import threading
from pathlib import Path
from typing import Callable, List, Optional, Sequence, TypeVar

from .accounts import Account
from .cgroup import Used
from .log import say
from .payload import CannotRun
from .processes import kill_group
from .walls import Command, Wall

_LAST_STRIKES = 5  # each takes as long as its walls are patient
_Made = TypeVar("_Made")


def tried(job: int, step: Callable[[], _Made]) -> Optional[_Made]:
    """Take a step that must not keep the others from being taken; return what it made, None when it failed."""
    try:
        return step()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the job must not stay Running for ever
        say(f"job {job}: {getattr(step, '__qualname__', step)}: {type(error).__name__}: {error}")
        return None


class Enclosure:
    """The process of one job's payload, and its walls; any thread may strike at any time."""

    def __init__(self, job: int) -> None:
        self.abandoned = False
        """Whether nobody wants it any more: it is not begun then."""
        self.used = Used()
        """What the processes used that were waited for: all there is without a control group."""
        self._job = job
        self._lock = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._walls: Sequence[Wall] = ()
        self._over = True  # nothing of it runs: not yet, or no more

    def put_up(self, walls: Sequence[Wall], command: Command) -> Command:
        """Put up walls, the innermost first; return the command that runs `command` inside. Raises OSError."""
        with self._lock:
            self._walls = walls
        for wall in walls:
            command = wall.around(command)
        return command

    def begin(self, command: Command, folder: Path, streams: Sequence[Path], account: Optional[Account]) -> None:
        """Start the process in a folder, its two outputs appended to `streams`, which become the account's.

        Raises:
            OSError, CannotRun: it cannot be started; or it was abandoned.
        """
        with self._lock, streams[0].open("ab") as out, streams[1].open("ab") as err:
            if self.abandoned:
                raise CannotRun("Halted before its start")
            if account:
                for file in (out, err):
                    os.fchown(file.fileno(), account.uid, account.gid)
            self._over = False
            try:
                self._process = subprocess.Popen(
                    command.arguments,
                    cwd=folder,
                    env=command.variables,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                    umask=0o022,
                )
            except ValueError as error:
                raise CannotRun(f"Executable cannot be run: {error}") from None

    def wait(self) -> None:
        """Wait until the process ended. It is not reaped: its pid, and so its group's number, stay its own."""
        assert self._process is not None
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)

    def strike(self) -> bool:
        """End everything of the payload; return whether nothing is left."""
        with self._lock:
            if self._over:
                return True
            if self._process is not None:
                kill_group(self._process.pid)
            # The outermost first: no fork escapes a control group. One that fails must not spare the others.
            struck: List[Optional[bool]] = [tried(self._job, wall.strike) for wall in reversed(self._walls)]
        if not all(struck):
            say(f"job {self._job}: some of its processes do not end")
        return all(struck)

    def reap(self, *, clean: bool) -> int:
        """Return the exit code of the process that ended, and note what it used; `clean`: nothing is left to strike."""
        with self._lock:
            process, self._process, self._over = self._process, None, clean
            assert process is not None
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.used = Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024)
            return process.returncode

    def stands(self) -> bool:
        """Tell whether all walls were put up; what is inside of one that was not never began."""
        return all(wall.stands() for wall in self._walls)

    def end(self) -> None:
        """End what is left, where something went wrong before; from now on nothing is struck."""
        for _ in range(_LAST_STRIKES):
            if self.strike():
                break
        with self._lock:
            self._over = True
            if self._process is not None:
                self._process.poll()

    def clear(self) -> None:
        """Remove what the walls kept outside of the payload's folders."""
        for wall in self._walls:
            tried(self._job, wall.clear)
