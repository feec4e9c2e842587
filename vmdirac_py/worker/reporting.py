"""Reports of payloads on their way into the outbox, whatever the disk says."""

import threading
import time
from typing import Callable

from .ce import FAILED, LOST, RETURNED, RUNNING, Outcome
from .log import say
from .outbox import Outbox
from .wire import Report, Work

_DISK_WAIT = 5.0  # seconds between tries to write a report to a full disk


class Reporter:
    """Puts reports into the outbox, waiting for a full disk; `changed` is called after each."""

    def __init__(self, outbox: Outbox, changed: Callable[[], None]) -> None:
        self._outbox, self._changed = outbox, changed
        self._lock = threading.Lock()
        self._failing = 0  # payloads that are being ended as failed and are not reported yet

    @property
    def waiting(self) -> bool:
        """Whether something is yet to reach the manager."""
        return bool(self._outbox.waiting() or self._failing)

    def running(self, work: Work) -> None:
        """Tell that a payload runs."""
        self._put(Report(work.job, work.attempt, RUNNING, "", None, ""))

    def ended(self, work: Work, outcome: Outcome) -> None:
        """Tell what became of a payload; its output goes with the report."""
        say(f"job {work.job}.{work.attempt}: {outcome.state} ({outcome.minor})")
        state, minor, code, output, cpu_seconds, peak_mb = outcome
        self._put(Report(work.job, work.attempt, state, minor, code, "", cpu_seconds, peak_mb), output)

    def lost(self, work: Work, minor: str) -> None:
        """Tell that a payload is lost, for another VM or a later worker."""
        self._put(Report(work.job, work.attempt, LOST, minor, None, ""))

    def returned(self, work: Work, minor: str) -> None:
        """Give a job back that this machine did not begin."""
        self._put(Report(work.job, work.attempt, RETURNED, minor, None, ""))

    def failed(self, work: Work, minor: str, end: Callable[[], None]) -> None:
        """End a payload, and tell that it failed."""
        say(f"job {work.job}: {minor}")
        self._count(1)
        try:
            end()
            self._put(Report(work.job, work.attempt, FAILED, minor, None, ""))
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._failing += more

    def _put(self, report: Report, output: str = "") -> None:
        while True:
            try:
                self._outbox.put(report, output)
                break
            except OSError as error:
                say(f"job {report.job}: its report cannot be written: {error.strerror}")
                time.sleep(_DISK_WAIT)
        self._changed()
