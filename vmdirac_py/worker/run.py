"""The life of one payload, whatever inner CE it is in: sandbox in, process, clean-up, output out."""

import glob
import os
import subprocess
import threading
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Protocol, Tuple, TypeVar

from . import blame, features
from .accounts import Account, own
from .ce import DONE, FAILED, LOST, RETURNED, Outcome, Watcher
from .cgroup import MB, Used
from .credentials import Credentials
from .guard import Check, DiskLimit, Guard, Renewal, StreamLimit, TimeLimit
from .log import say
from .options import Options
from .payload import CannotHere, CannotRun, Place
from .processes import kill_group
from .sandbox import BadSandbox, TooLarge, inside, pack, unpack
from .walls import Command, Wall
from .wire import MAX_OUTPUT, Credential, Slot, Work

_LAST_WAIT = 10.0  # seconds a killed payload may take to be cleaned up
_LAST_STRIKES = 5  # each takes as long as its walls are patient
_UNPACKED = 20  # an output may be so many times larger before it is packed
_SIGNALLED = range(129, 193)  # how a shell tells of a signal
_MB = 10**6
_Made = TypeVar("_Made")


class Grounds(NamedTuple):
    """Where payloads run, and on what: job folders and packed outputs, this VM's id, memory and GPUs."""

    folder: Path
    outputs: Path
    vm: str
    options: Options = Options()
    ram_mb: int = 0
    gpus: int = 0


class Errands(NamedTuple):
    """What is fetched for a payload. Both raise CannotRun, and try until the question they are given says yes.

    `sandbox` gets its input into a file, `credential` its owner's credential if it is another than the given version;
    that is tried once, and raises TalkError.
    """

    sandbox: Callable[[Work, Path, Callable[[], bool]], None]
    credential: Callable[[Work, str, Callable[[], bool]], Credential]


class Inside(NamedTuple):
    """A payload's command, what stands around it (the innermost first), and what it used, where that is counted."""

    command: Command
    walls: List[Wall]
    used: Optional[Callable[[], Used]]


class Element(Protocol):
    """What a run needs of its inner CE."""

    grounds: Grounds
    errands: Errands
    watcher: Watcher

    def account(self, slot: Slot) -> Optional[Account]:
        """Return whose a payload's folders are; None: the worker's own user's. Raises CannotRun."""

    def inside(self, work: Work, slot: Slot, place: Place) -> Inside:
        """Return the command of a payload and what stands around it. Raises CannotRun, OSError."""


class Run:
    """One payload, from its start to its packed output."""

    def __init__(self, element: Element, work: Work, slot: Slot) -> None:
        self.work = work
        self._element, self._slot, self._place = element, slot, Place(element.grounds.folder, work)
        self._lock = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._walls: List[Wall] = []
        self._count: Optional[Callable[[], Used]] = None
        self._waited = Used()
        self._credentials: Optional[Credentials] = None
        self._account: Optional[Account] = None
        self._abandoned, self._ended_for = False, ""
        self._over = True  # nothing of it runs: not yet, or no more
        self._outcome: Optional[Outcome] = None
        self._thread = threading.Thread(target=self._live, name=f"job-{work.job}", daemon=True)
        self._thread.start()

    def poll(self) -> Optional[Outcome]:
        """Return what became of it, or None while it runs."""
        return self._outcome

    def kill(self) -> None:
        """End it with all its descendants; its watcher hears of no end, but when all of it is gone.

        Returns when that is so, or after a while: its thread goes on alone.
        """
        self._abandoned = True
        self._strike()
        self._thread.join(_LAST_WAIT)

    def _live(self) -> None:
        try:
            outcome = self._attempt()
        except CannotHere as error:
            outcome = Outcome(RETURNED, str(error), None, "")
        except CannotRun as error:
            outcome = Outcome(FAILED, str(error), None, "")
        except Exception as error:  # noqa: BLE001 -- whatever it is, the job must not stay Running for ever
            outcome = Outcome(FAILED, f"Worker: {type(error).__name__}: {error}", None, "")
        # Before the slot is free, its next payload may be the same user; before the report, a full disk takes none.
        self._clear()
        if self._abandoned:
            self._element.watcher.gone(self.work)
        else:
            self._element.watcher.ended(self.work, outcome)
        self._outcome = outcome

    def _attempt(self) -> Outcome:
        with blame.machine():
            self._prepare()
        streams = self._streams()
        code, clean = self._execute(streams)
        if code and not self._ended_for and not all(wall.stands() for wall in self._walls):
            return Outcome(LOST, "Its VM cannot begin: what stands around a payload cannot be put up", None, "")
        used = self._count() if self._count else self._waited
        state, minor, shown = self._verdict(code, used)
        outcome = self._packed(state, minor, shown) if clean else Outcome(FAILED, f"{minor}; not all ended", shown, "")
        return outcome._replace(cpu_seconds=used.cpu_seconds, peak_ram_mb=used.peak_mb)

    def _prepare(self) -> None:
        place = self._place
        place.make()
        features.write(place.job_features, features.job(self.work, self._slot, place.machine_features))
        account = self._account = self._element.account(self._slot)
        if self.work.input_sandbox:
            self._unpack()
        if self.work.credential:
            self._credentials = Credentials(place.credentials, account, self._credential)
            self._credentials.renew()
        if account:
            place.open_to(account.gid)
            for folder in place.owned:
                own(folder, account)

    def _unpack(self) -> None:
        self._element.errands.sandbox(self.work, self._place.archive, lambda: self._abandoned)
        most = self._disk_mb * MB or _UNPACKED * MAX_OUTPUT
        try:
            with blame.job("Bad input sandbox"):
                unpack(self._place.archive, self._place.home, most)
        except BadSandbox as error:
            raise CannotRun(f"Bad input sandbox: {error}") from None
        self._place.archive.unlink()

    def _credential(self, version: str) -> Credential:
        return self._element.errands.credential(self.work, version, lambda: self._abandoned)

    def _streams(self) -> List[Path]:
        try:
            return [inside(self._place.home, name) for name in (self.work.stdout, self.work.stderr)]
        except BadSandbox as error:
            raise CannotRun(f"Bad name for output: {error}") from None

    def _execute(self, streams: List[Path]) -> Tuple[int, bool]:
        """Return the exit code, and whether everything of the payload is ended."""
        with blame.job("Executable cannot be run"):
            process = self._spawn(streams)
        bounds = StreamLimit(streams, self._element.grounds.options.stream_mb)
        # Renewals have a guard of their own: a manager that does not answer must not keep limits from being looked at.
        guard, renewals = Guard(self._checks(bounds), self._end_for), Guard(self._renewals(), self._end_for)
        with blame.machine():
            guard.start()
            renewals.start()
        self._element.watcher.started(self.work)
        # Not reaped yet: until then its pid, and so its group's number, cannot become somebody else's.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        guard.stop()
        renewals.leave()
        clean = self._strike()
        self._try(bounds.cut)
        with self._lock:
            self._process, self._over = None, clean
            return self._reaped(process), clean

    def _reaped(self, process: "subprocess.Popen[bytes]") -> int:
        """Return the exit code, and note what the processes used that were waited for: all there is without a group."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self._waited = Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024)
        return process.returncode

    def _checks(self, bounds: StreamLimit) -> List[Check]:
        work = self.work
        checks: List[Check] = [bounds]
        if work.cpu_seconds:
            checks.append(TimeLimit(work.cpu_seconds))
        if self._disk_mb:
            checks.append(DiskLimit(self._place.top, self._disk_mb))
        return checks

    @property
    def _disk_mb(self) -> int:
        """How much disk it may fill, 0: all there is."""
        return self.work.disk_mb or self._element.grounds.options.disk_mb * self.work.cores

    def _renewals(self) -> List[Check]:
        if not self._credentials:
            return []
        seconds = self._element.grounds.options.credential_seconds
        return [Renewal(self._credentials.renew, seconds, self.work.job)]

    def _spawn(self, streams: List[Path]) -> "subprocess.Popen[bytes]":
        command = self._enclosed()
        with self._lock, streams[0].open("ab") as out, streams[1].open("ab") as err:
            if self._abandoned:
                raise CannotRun("Halted before its start")
            if self._account:
                for file in (out, err):
                    os.fchown(file.fileno(), self._account.uid, self._account.gid)
            self._over = False
            try:
                self._process = subprocess.Popen(
                    command.arguments,
                    cwd=self._place.home,
                    env=command.variables,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                    umask=0o022,
                )
            except ValueError as error:
                raise CannotRun(f"Executable cannot be run: {error}") from None
            return self._process

    def _enclosed(self) -> Command:
        """Return the payload's command with everything that stands around it."""
        command, walls, self._count = self._element.inside(self.work, self._slot, self._place)
        if self._credentials:
            command = command.knowing(**self._credentials.variables())
        with self._lock:
            self._walls = walls
        with blame.machine():
            for wall in walls:
                command = wall.around(command)
        return command

    def _end_for(self, reason: str) -> None:
        self._ended_for = reason
        self._strike()

    def _strike(self) -> bool:
        """End everything of the payload; return whether nothing is left."""
        with self._lock:
            if self._over:
                return True
            if self._process is not None:
                kill_group(self._process.pid)
            # The outermost first: no fork escapes a control group. One that fails must not spare the others.
            struck = [self._try(wall.strike) for wall in reversed(self._walls)]
        if not all(struck):
            say(f"job {self.work.job}: some of its processes do not end")
        return all(struck)

    def _clear(self) -> None:
        destroy = [self._credentials.destroy] if self._credentials else []
        for step in (self._end_all, *destroy, *(wall.clear for wall in self._walls), self._place.remove):
            self._try(step)

    def _end_all(self) -> None:
        """End what is left, where something went wrong before; from now on nothing is struck."""
        for _ in range(_LAST_STRIKES):
            if self._strike():
                break
        with self._lock:
            self._over = True
            if self._process is not None:
                self._process.poll()

    def _try(self, step: Callable[[], _Made]) -> Optional[_Made]:
        """Take a step that must not keep the others from being taken; return what it made, None when it failed."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the job must not stay Running for ever
            say(f"job {self.work.job}: {getattr(step, '__qualname__', step)}: {type(error).__name__}: {error}")
            return None

    def _verdict(self, code: int, used: Used) -> Tuple[str, str, int]:
        shown = code if code >= 0 else 128 - code
        if self._ended_for:
            return FAILED, self._ended_for, shown
        if used.out_of_memory and code:
            return FAILED, "Memory limit exceeded", shown
        if shown in _SIGNALLED:
            return FAILED, f"Application killed by signal {shown - 128}", shown
        return (FAILED, f"Application exit code {code}", code) if code else (DONE, "Application finished", code)

    def _packed(self, state: str, minor: str, code: int) -> Outcome:
        if self._abandoned:
            return Outcome(state, minor, code, "")
        work, target = self.work, self._element.grounds.outputs / f"{self._place.top.name}.tar.gz"
        names = [glob.escape(work.stdout), glob.escape(work.stderr), *work.output_sandbox]
        try:
            missing = pack(self._place.home, names, target, _UNPACKED * MAX_OUTPUT)
            too_large = target.stat().st_size > MAX_OUTPUT
        except TooLarge:
            missing, too_large = [], True
        except OSError as error:
            target.unlink(missing_ok=True)  # what there is of it takes the room that the report needs
            return Outcome(FAILED, f"{minor}; output cannot be packed: {error.strerror}", code, "")
        if missing:
            minor += f"; missing output: {', '.join(missing)}"
        if too_large:
            target.unlink()
            return Outcome(FAILED, f"{minor}; output larger than {MAX_OUTPUT // _MB} MB", code, "")
        return Outcome(state, minor, code, str(target))
