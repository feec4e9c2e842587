"""The life of one payload, whatever inner CE it is in: sandbox in, process, clean-up, output out."""

import threading
from pathlib import Path
from typing import Callable, List, Optional

from . import blame, features
from .accounts import Account, own
from .ce import FAILED, LOST, RETURNED, Outcome
from .cgroup import MB, Used
from .credentials import Credentials
from .enclosure import Enclosure, tried
from .grounds import Element
from .guard import Check, DiskLimit, Guard, Renewal, StreamLimit, TimeLimit
from .payload import CannotHere, CannotRun, Place
from .sandbox import BadSandbox, inside, unpack
from .verdict import UNPACKED, packed, verdict, worse
from .walls import Command
from .wire import MAX_OUTPUT, Credential, Slot, Work

_LAST_WAIT = 10.0  # seconds a killed payload may take to be cleaned up


class Run:
    """One payload, from its start to its packed output."""

    def __init__(self, element: Element, work: Work, slot: Slot) -> None:
        self.work = work
        self._element, self._slot, self._place = element, slot, Place(element.grounds.folder, work)
        self._enclosure = Enclosure(work.job)
        self._counted: Optional[Callable[[], Used]] = None
        self._credentials: Optional[Credentials] = None
        self._account: Optional[Account] = None
        self._ended_for = ""
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
        self._enclosure.abandoned = True
        self._enclosure.strike()
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
        if self._abandoned():
            self._element.watcher.gone(self.work)
        else:
            self._element.watcher.ended(self.work, outcome)
        self._outcome = outcome

    def _abandoned(self) -> bool:
        return self._enclosure.abandoned

    def _attempt(self) -> Outcome:
        with blame.machine():
            self._prepare()
        streams = self._streams()
        with blame.job("Executable cannot be run"):
            self._begin(streams)
        clean = self._guarded(StreamLimit(streams, self._element.grounds.options.stream_mb))
        return self._judged(self._enclosure.reap(clean=clean), clean=clean)

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
        self._element.errands.sandbox(self.work, self._place.archive, self._abandoned)
        most = self._element.grounds.disk_bytes(self.work) or UNPACKED * MAX_OUTPUT
        try:
            with blame.job("Bad input sandbox"):
                unpack(self._place.archive, self._place.home, most)
        except BadSandbox as error:
            raise CannotRun(f"Bad input sandbox: {error}") from None
        self._place.archive.unlink()

    def _credential(self, version: str) -> Credential:
        return self._element.errands.credential(self.work, version, self._abandoned)

    def _streams(self) -> List[Path]:
        try:
            return [inside(self._place.home, name) for name in (self.work.stdout, self.work.stderr)]
        except BadSandbox as error:
            raise CannotRun(f"Bad name for output: {error}") from None

    def _begin(self, streams: List[Path]) -> None:
        self._enclosure.begin(self._enclosed(), self._place.home, streams, self._account)

    def _enclosed(self) -> Command:
        """Return the payload's command with everything that stands around it."""
        command, walls, self._counted = self._element.inside(self.work, self._slot, self._place)
        if self._credentials:
            command = command.knowing(**self._credentials.variables())
        with blame.machine():
            return self._enclosure.put_up(walls, command)

    def _guarded(self, bounds: StreamLimit) -> bool:
        """Look after the process until it ended; return whether everything of the payload is ended."""
        # Renewals have a guard of their own: a manager that does not answer must not keep limits from being looked at.
        guard, renewals = Guard(self._checks(bounds), self._end_for), Guard(self._renewals(), self._end_for)
        with blame.machine():
            guard.start()
            renewals.start()
        self._element.watcher.started(self.work)
        self._enclosure.wait()
        guard.stop()
        renewals.leave()
        clean = self._enclosure.strike()
        tried(self.work.job, bounds.cut)
        return clean

    def _checks(self, bounds: StreamLimit) -> List[Check]:
        checks: List[Check] = [bounds]
        if self.work.cpu_seconds:
            checks.append(TimeLimit(self.work.cpu_seconds))
        most = self._element.grounds.disk_bytes(self.work)
        if most:
            checks.append(DiskLimit(self._place.top, most // MB))
        return checks

    def _renewals(self) -> List[Check]:
        if not self._credentials:
            return []
        seconds = self._element.grounds.options.credential_seconds
        return [Renewal(self._credentials.renew, seconds, self.work.job)]

    def _end_for(self, reason: str) -> None:
        self._ended_for = reason
        self._enclosure.strike()

    def _judged(self, code: int, *, clean: bool) -> Outcome:
        if code and not self._ended_for and not self._enclosure.stands():
            return Outcome(LOST, "Its VM cannot begin: what stands around a payload cannot be put up", None, "")
        outcome = verdict(code, self._counted() if self._counted else self._enclosure.used, self._ended_for)
        if not clean:
            return worse(outcome, "not all ended")
        if self._abandoned():
            return outcome
        return packed(outcome, self.work, self._place.home, self._output)

    @property
    def _output(self) -> Path:
        return self._element.grounds.outputs / f"{self._place.top.name}.tar.gz"

    def _clear(self) -> None:
        destroy = [self._credentials.destroy] if self._credentials else []
        for step in (self._enclosure.end, *destroy, self._enclosure.clear, self._place.remove):
            tried(self.work.job, step)
