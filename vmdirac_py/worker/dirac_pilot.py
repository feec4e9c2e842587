"""DIRAC's own pilot, in place of the embedded one: started, watched, and seen off; it fetches its jobs by itself.

Nobody tells it anything but by DIRAC's drain file: its JobAgent then takes no more jobs and ends with its last payload.
"""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

from . import launch, wrappers
from .any_pilot import Status
from .files import remove_tree
from .launch import Launch
from .log import say
from .parting import PILOT_LOG
from .processes import kill_group, kill_marked
from .spool import Spool
from .wire import Work

_LOOK = 2.0  # seconds between two looks at its processes
_TAIL = 400  # characters of its log that go with a bad end
_LAST_WORDS = 5.0  # seconds for what it said last to reach the log
GRACE = 120.0  # seconds a closed pilot may still be getting a job it asked for before; it is ended if there is none


class End(NamedTuple):
    """How the pilot ended: its exit code (128 + N: signal N), and the end of what it said."""

    code: int
    tail: str

    @property
    def fault(self) -> str:
        """What is wrong, in words; empty when it ended as it should."""
        return f"DIRAC's pilot ended with {self.code}: {' '.join(self.tail.split())}" if self.code else ""


class DiracPilot:
    """Runs the pilot once: when it has ended well there is nothing to do here, unless this VM is wanted on.

    Args:
        how: command, environment, user and home.
        work_dir: the worker's own folder; what the pilot says is kept there.
        vm: this VM's id.
        cores: of this VM.
        seconds_left: how long this VM still takes jobs; at 0 or below `drain` is called, once.
        drain: makes the JobAgent take no more jobs.
        changed: is called whenever a payload or the pilot starts or ends.
    """

    def __init__(
        self,
        how: Launch,
        work_dir: Path,
        vm: str,
        cores: int,
        *,
        seconds_left: Callable[[], float],
        drain: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._how, self._vm, self._cores = how, vm, cores
        self._seconds_left, self._drain, self._changed = seconds_left, drain, changed
        self._spool = Spool(work_dir / PILOT_LOG)
        self._slots = wrappers.Slots()
        self._condition = threading.Condition()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._end: Optional[End] = None
        self._closed_at: Optional[float] = None
        self._idle_since, self._worked, self._broken, self._runs = time.monotonic(), False, "", 0

    def start(self, _ce: object = None) -> None:
        """Start the pilot and begin to watch it."""
        threading.Thread(target=self._live, name="dirac-pilot", daemon=True).start()

    def status(self) -> Status:
        """Return what it is doing; while it lives it may be getting a job, so that it counts as busy."""
        with self._condition:
            slots, over = self._slots.busy(), self._end is not None
            idle = 0.0 if slots else time.monotonic() - self._idle_since
            free = max(0, self._cores - sum(slot.cores for slot in slots))
            busy = len(slots) + (not over and not self._broken)
            return Status(slots, free, busy, idle, int(over), self._fault(), self._worked, over)

    def close(self) -> bool:
        """Let it not be started again; return whether it has ended.

        A pilot that runs is not ended by this: only the drain file keeps it from taking jobs.
        """
        with self._condition:
            if self._closed_at is None:
                self._closed_at = time.monotonic()
            return self._end is not None or bool(self._broken)

    def reopen(self) -> None:
        """Start it again, after the manager wanted this VM to stay; the idle time starts anew."""
        with self._condition:
            self._closed_at, self._idle_since = None, time.monotonic()
            if self._end is not None and not self._end.code:
                self._end = None
            self._condition.notify()

    def limit_wait(self, seconds: float) -> None:
        """Do nothing: how often it asks is the JobAgent's own polling time."""

    def works(self) -> List[Work]:
        """Return nothing: its payloads are DIRAC's jobs."""
        return []

    def kill_all(self) -> None:
        """End it with all its payloads; DIRAC finds out by itself."""
        self.close()
        self._strike()

    def lose_all(self, _minor: str) -> None:
        """End it with all its payloads; DIRAC finds out by itself."""
        self.kill_all()

    def kill(self, _job: int) -> None:
        """Do nothing: the manager knows none of DIRAC's jobs, so that each looks foreign to it."""

    def fail(self, job: int, minor: str) -> None:
        """Do nothing: a job of DIRAC's is not ours to fail."""

    def _live(self) -> None:
        try:
            kill_marked(launch.mark(self._vm))  # what an earlier worker left
            while True:
                self._wait_until_wanted()
                self._run()
        except Exception as error:  # noqa: BLE001 -- a watcher that died in silence would keep its VM for nothing
            self._broken = f"DIRAC's pilot cannot be run: {type(error).__name__}: {error}"
            say(self._broken)
            self._changed()

    def _wait_until_wanted(self) -> None:
        with self._condition:
            while self._closed_at is not None or self._end is not None:
                self._condition.wait()

    def _run(self) -> None:
        home = self._fresh_home()
        process = self._spawn(home)
        assert process.stdout is not None
        said = self._spool.follow(process.stdout)
        say(f"DIRAC's pilot runs as {self._how.user or 'the worker itself'} in {home}")
        while process.poll() is None:
            self._look()
            self._wait(process)
        self._strike()
        said.join(_LAST_WORDS)
        self._ended(process.returncode)

    def _fresh_home(self) -> Path:
        self._runs += 1
        home = self._how.home / f"run-{self._runs}"
        launch.make_safe(self._how.home)
        remove_tree(home)
        home.mkdir(mode=0o700)
        if self._how.user:
            ids = launch.identity(self._how.user)
            os.chown(home, ids["user"], ids["group"], follow_symlinks=False)
        return home

    def _spawn(self, home: Path) -> "subprocess.Popen[bytes]":
        with self._condition:
            self._process = subprocess.Popen(
                self._how.command,
                cwd=home,
                env=launch.environment(self._how, self._vm, home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
                **launch.identity(self._how.user),
            )
            return self._process

    def _look(self) -> None:
        """Count the payloads; let a pilot go that was closed and has none."""
        seen = wrappers.jobs(list(wrappers.processes(launch.mark(self._vm))))
        with self._condition:
            changed, worked = self._slots.see(seen), bool(seen)
            self._worked = self._worked or worked
            if worked:
                self._idle_since = time.monotonic()
        if self._closed_at is None and self._seconds_left() <= 0:
            self.close()
            self._drain("end of its life")
        if changed:
            self._changed()
        if self._is_done():
            say("DIRAC's pilot drains and has no payload: ended")
            self._strike()

    def _is_done(self) -> bool:
        now = time.monotonic()
        return self._closed_at is not None and now - max(self._closed_at, self._idle_since) >= GRACE

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            process.wait(_LOOK)
        except subprocess.TimeoutExpired:
            return

    def _strike(self) -> None:
        """End all of its processes."""
        with self._condition:
            process = self._process
        if process is not None and process.poll() is None:
            kill_group(process.pid)
        if process is not None and not kill_marked(launch.mark(self._vm)):
            say("some processes of DIRAC's pilot do not end")

    def _ended(self, code: int) -> None:
        shown = code if code >= 0 else 128 - code
        with self._condition:
            # A pilot that we ended because it drained, or on a halt, did nothing wrong.
            told = self._closed_at is not None and code < 0
            self._slots.see({})
            self._end = End(0 if told else shown, self._spool.tail(_TAIL))
        say(self._end.fault or f"DIRAC's pilot ended with {shown}")
        self._changed()

    def _fault(self) -> str:
        return self._broken or (self._end.fault if self._end else "")
