"""The pilot: asks for jobs while something is free, runs them, and tells what became of them."""

import threading
import time
from typing import Callable, Dict, List, NamedTuple, Optional

from .ce import FAILED, LOST, RETURNED, RUNNING, Handle, InnerCE, Outcome
from .log import say
from .outbox import Outbox
from .policy import FIRST_WAIT, LONGEST_WAIT
from .pool import DoesNotFit, Pool, RunsAlready
from .trust import TalkError
from .wire import MatchAnswer, MatchAsk, Report, Slot, Work

_UNFIT = (RETURNED, LOST)  # ends of payloads that this machine could not begin
_MOST_UNFIT = 3  # payloads in a row that this machine could not begin, until it gives up
_DISK_WAIT = 5.0  # seconds between tries to write a report to a full disk

Ask = Callable[[MatchAsk], MatchAnswer]
"""Ask the manager for a job. Raises TalkError."""


class Status(NamedTuple):
    """What the pilot is doing; `busy` counts payloads and a match in flight; `broken` says why it can no more.

    `worked` tells whether any payload ran, `over` that it has ended by itself: there is nothing more to do.
    """

    slots: List[Slot]
    free_cores: int
    busy: int
    idle_seconds: float
    failed_matches: int
    broken: str
    worked: bool = False
    over: bool = False


class Pilot:
    """Fills the pool until nothing matches; asks again when a slot frees or after a growing wait.

    Args:
        pool: the book-keeping of slots.
        ask: asks the manager.
        outbox: takes the reports.
        seconds_left: how long this VM still takes jobs; none are asked for at 0 or below.
        changed: is called whenever a payload starts or ends, or a match failed.
    """

    def __init__(
        self, pool: Pool, ask: Ask, outbox: Outbox, seconds_left: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self._pool, self._ask, self._outbox = pool, ask, outbox
        self._seconds_left, self._changed = seconds_left, changed
        self._condition = threading.Condition(threading.RLock())
        self._handles: Dict[int, Handle] = {}
        self._asking = self._closed = self._halted = False
        self._unfit = 0  # payloads in a row that this machine could not begin
        self._telling = 0  # payloads that were ended and are not reported yet
        self._failed, self._wait, self._ask_at = 0, FIRST_WAIT, 0.0
        self._idle_since, self._broken = time.monotonic(), ""
        self._longest, self._worked = LONGEST_WAIT, False

    def start(self, ce: InnerCE) -> None:
        """Begin to ask for jobs and run them in `ce`."""
        threading.Thread(target=self._live, args=(ce,), name="pilot", daemon=True).start()

    def status(self) -> Status:
        """Return what the pilot is doing now."""
        with self._condition:
            slots = self._pool.slots
            idle = 0.0 if slots else time.monotonic() - self._idle_since
            busy = len(slots) + self._asking
            return Status(slots, self._pool.free.cores, busy, idle, self._failed, self._broken, self._worked)

    def works(self) -> List[Work]:
        """Return the jobs whose payloads run."""
        with self._condition:
            return [handle.work for handle in self._handles.values()]

    def close(self) -> bool:
        """Ask for no more jobs; return whether nothing runs and no answer is on its way."""
        with self._condition:
            self._closed = True
            return self._pool.empty and not self._asking

    def reopen(self) -> None:
        """Ask again, after the manager wanted this VM to stay; the idle time starts anew."""
        with self._condition:
            self._closed = False
            self._failed, self._idle_since = 0, time.monotonic()
            self._ask_now()

    def limit_wait(self, seconds: float) -> None:
        """Wait no longer than this between two questions."""
        with self._condition:
            self._longest = min(LONGEST_WAIT, seconds)

    def kill_all(self) -> None:
        """Take no more jobs and end every payload, unreported: the manager gives them to other VMs."""
        with self._condition:
            self._closed = self._halted = True
            handles = list(self._handles.values())
        for handle in handles:
            handle.kill()

    def lose_all(self, minor: str) -> None:
        """Take no more jobs, end every payload and report each as lost, for another VM or a later worker."""
        lost = self.works()
        self.kill_all()
        for work in lost:
            self._tell(Report(work.job, work.attempt, LOST, minor, None, ""))

    def kill(self, job: int) -> None:
        """End the payload of a job that is not this VM's any more, unreported; its slot is free once it is gone."""
        handle = self._take_out(job)
        if handle is not None:
            say(f"job {job}: not ours any more, ended")
            handle.kill()
            self._outbox.forget(job, handle.work.attempt)

    def fail(self, job: int, minor: str) -> None:
        """End a payload and report it as failed; its slot is free once it is gone."""
        handle = self._take_out(job)
        if handle is not None:
            say(f"job {job}: {minor}")
            self._telling += 1
            handle.kill()
            self._tell(Report(job, handle.work.attempt, FAILED, minor, None, ""))
            self._telling -= 1

    def _take_out(self, job: int) -> Optional[Handle]:
        with self._condition:
            return self._handles.pop(job, None)

    def _count_unfit(self, minor: str) -> None:
        """Give up where no payload can begin: others have better machines."""
        self._unfit += 1
        if self._unfit >= _MOST_UNFIT:
            self._broken = f"{self._unfit} payloads in a row could not begin: {minor}"
            say(self._broken)

    def _free(self, job: int, *, at_once: bool = True) -> None:
        with self._condition:
            self._pool.release(job)
            self._handles.pop(job, None)
            self._idle_since = time.monotonic()
            if at_once:
                self._ask_now()
            else:
                self._miss()
                self._condition.notify()
        self._changed()

    def started(self, work: Work) -> None:
        """Tell the manager that the payload runs (called by the inner CE)."""
        self._worked = True
        self._tell(Report(work.job, work.attempt, RUNNING, "", None, ""))

    def ended(self, work: Work, outcome: Outcome) -> None:
        """Tell the manager what became of the payload, and free its slot (called by the inner CE)."""
        say(f"job {work.job}.{work.attempt}: {outcome.state} ({outcome.minor})")
        report = Report(
            work.job,
            work.attempt,
            outcome.state,
            outcome.minor,
            outcome.exit_code,
            "",
            outcome.cpu_seconds,
            outcome.peak_ram_mb,
        )
        self._tell(report, outcome.output)
        unfit = outcome.state in _UNFIT
        if unfit:
            self._outbox.forget(work.job, work.attempt)
            self._count_unfit(outcome.minor)
        else:
            self._unfit = 0
        self._free(work.job, at_once=not unfit)

    def gone(self, work: Work) -> None:
        """Free the slot of a payload that was killed (called by the inner CE): its next one may be the same user."""
        self._free(work.job)

    def _tell(self, report: Report, output: str = "") -> None:
        while True:
            try:
                self._outbox.put(report, output)
                break
            except OSError as error:
                say(f"job {report.job}: its report cannot be written: {error.strerror}")
                time.sleep(_DISK_WAIT)
        self._changed()

    def _live(self, ce: InnerCE) -> None:
        try:
            while True:
                self._once(ce)
        except Exception as error:  # noqa: BLE001 -- a pilot that died in silence would keep its VM for nothing
            self._broken = f"pilot: {type(error).__name__}: {error}"
            say(self._broken)
            self._asking = False
            self._changed()

    def _once(self, ce: InnerCE) -> None:
        work = self._answer(self._next_ask())
        with self._condition:
            misfit = self._run(ce, work) if work and not self._halted else ""
            self._asking = False
        if work and misfit:
            self._miss()
            self._tell(Report(work.job, work.attempt, RETURNED, misfit, None, ""))
        self._changed()

    def _next_ask(self) -> MatchAsk:
        """Wait until there is something to ask for and it is time to; return the question."""
        with self._condition:
            pause = self._pause()
            while pause > 0:
                self._condition.wait(pause)
                pause = self._pause()
            self._asking = True
            free, pool = self._pool.free, self._pool
            # A VM whose reports have not arrived is not empty: the manager gives an empty one again what seems lost.
            empty = pool.empty and not self._outbox.waiting() and not self._telling
            return MatchAsk(
                pool.total.cores, free.cores, free.ram_mb, free.gpus, empty, self._seconds_left(), pool.wishes()
            )

    def _pause(self) -> float:
        if self._closed or self._broken or not self._pool.wishes() or self._seconds_left() <= 0:
            return LONGEST_WAIT
        return self._ask_at - time.monotonic()

    def _answer(self, message: MatchAsk) -> Optional[Work]:
        """Return the job the manager gave; keep count of failures and let the wait grow."""
        try:
            work = self._ask(message).work
        except TalkError as error:
            say(f"match: {error}")
            self._miss()
            return None
        self._failed = 0 if work else self._failed + 1
        if work:
            self._wait = FIRST_WAIT
        else:
            self._miss()
        return work

    def _miss(self) -> None:
        with self._condition:
            self._ask_at = time.monotonic() + min(self._wait, self._longest)
            self._wait = min(LONGEST_WAIT, self._wait * 2)

    def _ask_now(self) -> None:
        self._ask_at, self._wait = 0.0, FIRST_WAIT
        self._condition.notify()

    def _run(self, ce: InnerCE, work: Work) -> str:
        """Start a payload; return why it does not fit, if so."""
        try:
            slot = self._pool.take(work, time.time())
            self._outbox.begin(work)
            self._handles[work.job] = ce.start(work, slot)
        except DoesNotFit as error:
            say(str(error))
            return str(error)
        except RunsAlready as error:
            say(str(error))
            self._miss()
        except (OSError, RuntimeError) as error:  # a full disk, or as many threads as this machine allows
            say(f"job {work.job}: {error}")
            self._pool.release(work.job)
            self._outbox.forget(work.job, work.attempt)
            minor = f"Its VM cannot begin: {getattr(error, 'strerror', None) or error}"
            self._count_unfit(minor)
            return minor
        return ""
