"""InProcessCE: payloads as processes of the worker's own user."""

import glob
import os
import subprocess
import threading
from pathlib import Path
from typing import Callable, List, Optional

from . import features
from .ce import DONE, FAILED, Outcome, Watcher
from .files import remove_tree
from .log import say
from .payload import CannotRun, Place, command, environment, mark
from .processes import kill_group, kill_marked
from .sandbox import BadSandbox, inside, pack, unpack
from .wire import MAX_OUTPUT, Slot, Work

Fetch = Callable[[Work, Path, Callable[[], bool]], None]
"""Fetch a job's input sandbox into a file, trying until the given question is answered with yes.
Raises CannotRun."""

_LAST_WAIT = 10.0  # seconds a killed payload may take to be cleaned up
_TIMED_OUT = "CPU time exceeded"


class InProcessCE:
    """Runs each payload in a thread that waits for its process.

    Args:
        folder: where job folders are made.
        outputs: where packed outputs are put.
        vm: this VM's id, part of the mark on each process.
        fetch: gets input sandboxes.
        watcher: is told about starts and ends.
    """

    def __init__(self, folder: Path, outputs: Path, vm: str, fetch: Fetch, watcher: Watcher) -> None:
        self.folder, self.outputs, self.vm, self.fetch, self.watcher = folder, outputs, vm, fetch, watcher
        for needed in (folder, outputs):
            needed.mkdir(parents=True, exist_ok=True)

    def start(self, work: Work, slot: Slot) -> "Run":
        """Begin to run a payload; returns at once."""
        say(f"job {work.job}.{work.attempt}: {slot.cores} cores")
        return Run(self, work, slot)

    def leftovers(self) -> List[str]:
        """Clean up after an earlier worker; return the payloads (`JOB.ATTEMPT`) that were cut off."""
        names = sorted(entry.name for entry in self.folder.iterdir())
        for name in names:
            kill_marked(mark(self.vm, name))
            remove_tree(self.folder / name)
        return names


class Run:
    """One payload: sandbox in, process, clean-up, output out."""

    def __init__(self, ce: InProcessCE, work: Work, slot: Slot) -> None:
        self.work, self._slot = work, slot
        self._ce, self._place = ce, Place(ce.folder, work)
        self._mark = mark(ce.vm, self._place.top.name)
        self._lock = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._abandoned = self._timed_out = False
        self._outcome: Optional[Outcome] = None
        self._thread = threading.Thread(target=self._live, name=f"job-{work.job}", daemon=True)
        self._thread.start()

    def poll(self) -> Optional[Outcome]:
        """Return what became of it, or None while it runs."""
        return self._outcome

    def kill(self) -> None:
        """End it with all its descendants; its watcher is not called. Returns when they are gone."""
        self._abandoned = True
        self._strike()
        self._thread.join(_LAST_WAIT)

    def _live(self) -> None:
        try:
            outcome = self._attempt()
        except CannotRun as error:
            outcome = Outcome(FAILED, str(error), None, "")
        except Exception as error:  # noqa: BLE001 -- whatever it is, the job must not stay Running for ever
            outcome = Outcome(FAILED, f"Worker: {type(error).__name__}: {error}", None, "")
        if not self._abandoned:
            self._ce.watcher.ended(self.work, outcome)
        self._place.remove()
        self._outcome = outcome

    def _attempt(self) -> Outcome:
        self._prepare()
        code = self._execute()
        return self._packed(*self._verdict(code))

    def _prepare(self) -> None:
        place = self._place
        place.make()
        features.write(place.job_features, features.job(self.work, self._slot, place.machine_features))
        if not self.work.input_sandbox:
            return
        self._ce.fetch(self.work, self._place.archive, lambda: self._abandoned)
        try:
            unpack(self._place.archive, self._place.home)
        except BadSandbox as error:
            raise CannotRun(f"Bad input sandbox: {error}") from None
        self._place.archive.unlink()

    def _execute(self) -> int:
        process = self._spawn()
        self._ce.watcher.started(self.work)
        limit = self.work.cpu_seconds or None
        timer = threading.Timer(limit, self._time_out) if limit else None
        if timer:
            timer.daemon = True
            timer.start()
        # Not reaped yet: until then its pid, and so its group's number, cannot become somebody else's.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        if timer:
            timer.cancel()
        self._strike()
        with self._lock:
            self._process = None
            return process.wait()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        variables = environment(self.work, self._place, self._ce.vm)
        arguments = command(self.work, self._place, variables["PATH"])
        with self._lock, self._file(self.work.stdout).open("ab") as out, self._file(self.work.stderr).open("ab") as err:
            if self._abandoned:
                raise CannotRun("Halted before its start")
            try:
                self._process = subprocess.Popen(
                    arguments,
                    cwd=self._place.home,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                    umask=0o022,
                )
            except (OSError, ValueError) as error:
                raise CannotRun(f"Executable cannot be run: {error}") from None
            return self._process

    def _file(self, name: str) -> Path:
        try:
            return inside(self._place.home, name)
        except BadSandbox as error:
            raise CannotRun(f"Bad name for output: {error}") from None

    def _time_out(self) -> None:
        self._timed_out = True
        self._strike()

    def _strike(self) -> None:
        with self._lock:
            if self._process:
                kill_group(self._process.pid)
                if not kill_marked(self._mark):
                    say(f"job {self.work.job}: some of its processes do not end")

    def _verdict(self, code: int) -> "tuple[str, str, int]":
        shown = code if code >= 0 else 128 - code
        if self._timed_out:
            return FAILED, _TIMED_OUT, shown
        if code < 0:
            return FAILED, f"Application killed by signal {-code}", shown
        return (FAILED, f"Application exit code {code}", code) if code else (DONE, "Application finished", code)

    def _packed(self, state: str, minor: str, code: int) -> Outcome:
        if self._abandoned:
            return Outcome(state, minor, code, "")
        work, target = self.work, self._ce.outputs / f"{self._place.top.name}.tar.gz"
        streams = [glob.escape(work.stdout), glob.escape(work.stderr)]
        missing = pack(self._place.home, streams + work.output_sandbox, target)
        if missing:
            minor += f"; missing output: {', '.join(missing)}"
        if target.stat().st_size > MAX_OUTPUT:
            target.unlink()
            return Outcome(FAILED, f"{minor}; output larger than {MAX_OUTPUT} bytes", code, "")
        return Outcome(state, minor, code, str(target))
