"""The pilot: asks for jobs while something is free, runs them, and tells what became of them."""

import threading
import time
from typing import Callable, Dict, List, Optional

from .any_pilot import Status
from .ce import LOST, RETURNED, Handle, InnerCE, Outcome
from .log import say
from .outbox import Outbox
from .pace import Fitness, Pace
from .policy import LONGEST_WAIT
from .pool import DoesNotFit, Pool, RunsAlready
from .reporting import Reporter
from .trust import TalkError
from .wire import MatchAnswer, MatchAsk, Work

_UNFIT = (RETURNED, LOST)  # ends of payloads that this machine could not begin

Ask = Callable[[MatchAsk], MatchAnswer]
"""Ask the manager for a job. Raises TalkError."""


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
        self._pace, self._fitness, self._reporter = Pace(), Fitness(), Reporter(outbox, changed)
        self._handles: Dict[int, Handle] = {}
        self._asking = self._closed = self._halted = self._worked = False
        self._idle_since = time.monotonic()

    def start(self, ce: InnerCE) -> None:
        """Begin to ask for jobs and run them in `ce`."""
        threading.Thread(target=self._live, args=(ce,), name="pilot", daemon=True).start()

    def status(self) -> Status:
        """Return what the pilot is doing now."""
        with self._condition:
            slots = self._pool.slots
            idle = 0.0 if slots else time.monotonic() - self._idle_since
            busy = len(slots) + self._asking
            failed, broken = self._pace.failed_matches, self._fitness.broken
            return Status(slots, self._pool.free.cores, busy, idle, failed, broken, self._worked)

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
            self._idle_since, self._pace.failed_matches = time.monotonic(), 0
            self._ask_at_once()

    def limit_wait(self, seconds: float) -> None:
        """Wait no longer than this between two questions."""
        with self._condition:
            self._pace.limit(seconds)

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
            self._reporter.lost(work, minor)

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
            self._reporter.failed(handle.work, minor, handle.kill)

    def _take_out(self, job: int) -> Optional[Handle]:
        with self._condition:
            return self._handles.pop(job, None)

    def started(self, work: Work) -> None:
        """Tell the manager that the payload runs (called by the inner CE)."""
        self._worked = True
        self._reporter.running(work)

    def ended(self, work: Work, outcome: Outcome) -> None:
        """Tell the manager what became of the payload, and free its slot (called by the inner CE)."""
        self._reporter.ended(work, outcome)
        unfit = outcome.state in _UNFIT
        if unfit:
            self._outbox.forget(work.job, work.attempt)
        with self._condition:
            self._fitness.note(outcome.minor if unfit else "")
        self._free(work.job, at_once=not unfit)

    def gone(self, work: Work) -> None:
        """Free the slot of a payload that was killed (called by the inner CE): its next one may be the same user."""
        self._free(work.job)

    def _free(self, job: int, *, at_once: bool = True) -> None:
        with self._condition:
            self._pool.release(job)
            self._handles.pop(job, None)
            self._idle_since = time.monotonic()
            if at_once:
                self._ask_at_once()
            else:
                self._pace.later()
                self._condition.notify()
        self._changed()

    def _live(self, ce: InnerCE) -> None:
        try:
            while True:
                self._once(ce)
        except Exception as error:  # noqa: BLE001 -- a pilot that died in silence would keep its VM for nothing
            with self._condition:
                self._fitness.give_up(f"pilot: {type(error).__name__}: {error}")
                self._asking = False
            self._changed()

    def _once(self, ce: InnerCE) -> None:
        work = self._answer(self._next_ask())
        with self._condition:
            misfit = self._run(ce, work) if work and not self._halted else ""
            self._asking = False
            if misfit:
                self._pace.later()
        if work and misfit:
            self._reporter.returned(work, misfit)
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
            empty = pool.empty and not self._reporter.waiting
            return MatchAsk(
                pool.total.cores, free.cores, free.ram_mb, free.gpus, empty, self._seconds_left(), pool.wishes()
            )

    def _pause(self) -> float:
        if self._closed or self._fitness.broken or not self._pool.wishes() or self._seconds_left() <= 0:
            return LONGEST_WAIT
        return self._pace.pause

    def _answer(self, message: MatchAsk) -> Optional[Work]:
        """Return the job the manager gave; the pace follows its answer."""
        try:
            work = self._ask(message).work
        except TalkError as error:
            say(f"match: {error}")
            work, turn = None, self._pace.later
        else:
            turn = self._pace.matched if work else self._pace.unmatched
        with self._condition:
            turn()
        return work

    def _ask_at_once(self) -> None:
        self._pace.at_once()
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
            self._pace.later()
        except (OSError, RuntimeError) as error:  # a full disk, or as many threads as this machine allows
            say(f"job {work.job}: {error}")
            self._pool.release(work.job)
            self._outbox.forget(work.job, work.attempt)
            minor = f"Its VM cannot begin: {getattr(error, 'strerror', None) or error}"
            self._fitness.note(minor)
            return minor
        return ""
