"""The monitor: heartbeats, orders, certificate renewal, and the decision to stop this VM."""

import threading
import time
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional

from . import features, policy
from .any_pilot import AnyPilot
from .backoff import jittered
from .draining import DrainFile
from .identity import Identity, Keyring
from .life import Life
from .line import Line
from .log import say
from .outbox import Outbox
from .parting import Logs
from .trust import Manager, known, typed
from .vitals import Vitals
from .wire import Ack, Config, Enrolled, Leave, Leaving, Order, Orders, Renew

DRAIN, HALT = "drain", "halt"
INTERRUPTED = "interrupted"
_WENT_DOWN = "its worker or VM was stopped"
_RETRY = 5.0  # seconds between two tries to leave
_LAST_WORDS, _LAST_WORDS_PAUSE = 3, 1.0  # tries to tell the manager of a halt, and seconds between them
_LAST_REPORTS = 10.0  # seconds for what became of payloads to reach the manager before the machine goes down
_LAST_LOOK = 0.05
_SHORTEST_PERIOD = 0.05
_LONGEST_SLEEP = 60.0


class Terminated(Exception):
    """The machine or the worker goes down, perhaps to come again (raised by the signal handler in the main thread)."""


class Parts(NamedTuple):
    """What the monitor watches and speaks through."""

    manager: Manager
    line: Line
    keyring: Keyring
    pilot: AnyPilot
    outbox: Outbox
    vitals: Vitals
    drain_file: DrainFile
    logs: Logs


class Monitor:
    """Runs in the main thread until there is a reason to stop.

    Raises:
        ValueError: the configuration's stop policies cannot be used.
    """

    def __init__(self, config: Config, identity: Identity, parts: Parts, life: Life) -> None:
        self._config, self._identity, self._parts, self._life = config, identity, parts, life
        self._wake = threading.Event()
        self._period, self._idle_limit = config.heartbeat_seconds, config.idle_seconds
        self._terms = policy.terms(config.stop_policies)
        self._beat_at = self._renew_at = self._leave_at = 0.0
        self._orders: Dict[str, Order] = {}
        self._acknowledged: Optional[bool] = None
        self._drains = self._closed = False

    def wake(self) -> None:
        """Look again now: a payload started or ended, or the outbox is empty."""
        self._wake.set()

    def run(self) -> str:
        """Watch until this VM should stop; return the reason (of `policy`), or INTERRUPTED."""
        try:
            self._tell_ending()
            return self._watch()
        except Terminated:
            self._go_down()
            return INTERRUPTED

    def _watch(self) -> str:
        while True:
            self._wake.clear()
            self._beat()
            self._renew()
            if self._parts.pilot.status().slots:
                self._parts.logs.note_work()
            state = self._state()
            self._close(state)
            self._acknowledge()
            reason = policy.decide(state)
            if reason and time.monotonic() >= self._leave_at and self._leave(reason):
                return reason
            self._wake.wait(self._pause())

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._beat_at:
            return
        self._beat_at = now + jittered(self._period)
        vitals = self._parts.vitals
        vitals.look(self._terms.quiet_cpu)
        orders = self._parts.line.say("heartbeat", vitals.beat("draining" if self._closed else "running"), _orders)
        if orders is not None:
            self._heard(orders)
        self._end_quiet_payloads()

    def _end_quiet_payloads(self) -> None:
        if self._terms.kill_quiet:
            seconds = self._terms.quiet_seconds
            for job in self._parts.vitals.quiet_jobs(seconds):
                self._parts.pilot.fail(job, f"No CPU activity for {seconds:.0f} s")

    def _heard(self, orders: Orders) -> None:
        self._period, self._idle_limit = max(_SHORTEST_PERIOD, orders.heartbeat_seconds), orders.idle_seconds
        self._learn(orders.stop_policies)
        self._parts.pilot.limit_wait(self._period)
        self._beat_at = min(self._beat_at, time.monotonic() + jittered(self._period))
        for order in orders.orders:
            self._obey(order)
        for job in orders.kill:
            self._parts.pilot.kill(job)

    def _learn(self, told: Dict[str, Any]) -> None:
        """Go by these stop policies from now on; those of a newer manager may not be understood."""
        try:
            self._terms = policy.terms(known(policy.Terms, told)) if told else self._terms
        except ValueError as error:
            say(f"stop policies stay as they are: {error}")

    def _obey(self, order: Order) -> None:
        if order.verb in self._orders or order.verb not in (DRAIN, HALT):
            return
        say(f"told to {order.verb}")
        self._orders[order.verb] = order
        self._parts.pilot.close()
        self._tell_ending()

    def _close(self, state: policy.State) -> None:
        """Ask for no more jobs once that is over, and let everybody on this machine know."""
        if self._closed or not policy.closing(state):
            return
        self._closed = True
        self._parts.pilot.close()
        self._parts.drain_file.write("told to" if self._orders else "end of its time")
        self._beat_at = 0.0  # the manager shall count on this VM no more
        self._wake.set()

    def _acknowledge(self) -> None:
        """Say that a drain is obeyed, and say it again when nothing runs any more and all of it was reported."""
        if DRAIN in self._orders:
            # In this order: a payload that ends in between has its report in the outbox before it is gone.
            empty = self._parts.pilot.close() and not self._parts.outbox.waiting()
            if self._acknowledged != empty:
                self._say_drained(empty=empty)

    def _say_drained(self, *, empty: bool) -> None:
        if empty:
            self._hand_over_logs()
        if self._parts.line.say("acknowledge", Ack(DRAIN, empty), dict) is not None:
            self._acknowledged = empty

    def _hand_over_logs(self) -> None:
        """Do so before the last word: whoever knows that nothing runs here any more may end this machine at once."""
        if self._parts.line.heard:
            self._parts.logs.hand_over()

    def _renew(self) -> None:
        now = time.time()
        if now < max(self._identity.renew_at, self._renew_at):
            return
        self._renew_at = now + jittered(self._period)
        enrolled = self._parts.line.say("renew", Renew(self._parts.keyring.request()), Enrolled)
        if enrolled is not None:
            self._take_on(enrolled)

    def _take_on(self, enrolled: Enrolled) -> None:
        """Use a new certificate; one that a full disk does not take is asked for again."""
        try:
            self._identity = self._parts.keyring.keep(enrolled, self._identity.instance)
            self._parts.manager.use(self._parts.keyring.certificate, self._parts.keyring.key)
            say("certificate renewed")
        except OSError as error:
            self._renew_at = time.time() + max(_RETRY, jittered(self._period))
            say(f"the new certificate cannot be kept: {error.strerror}")

    def _leave(self, reason: str) -> bool:
        """Tell the manager that this VM stops; return whether it may."""
        say(f"wants to stop: {reason}")
        if reason in policy.UNTOLD:
            self._parts.pilot.kill_all()
            return True
        if reason == policy.HALTED:
            self._halt()
            return True
        # Nothing may start while the answer is on its way.
        answer = self._ask_to_leave(reason) if self._parts.pilot.close() else None
        if answer is not None and (answer.go or reason not in policy.MAY_BE_KEPT):
            return True
        self._stay(reason)
        return False

    def _ask_to_leave(self, reason: str) -> Optional[Leaving]:
        self._hand_over_logs()
        return self._parts.line.say("leave", self._parting(reason, self._parts.pilot.status().broken), Leaving)

    def _parting(self, reason: str, detail: str = "") -> Leave:
        return Leave(reason, detail, policy.code(reason, worked=self._parts.pilot.status().worked))

    def _halt(self) -> None:
        """End all payloads and say so; a manager that does not answer does not keep the VM up."""
        self._parts.pilot.kill_all()
        self._hand_over_logs()
        for _ in range(_LAST_WORDS):
            told = (
                HALT not in self._orders or self._parts.line.say("acknowledge", Ack(HALT, empty=True), dict) is not None
            )
            if told and self._parts.line.say("leave", self._parting(policy.HALTED), Leaving) is not None:
                return
            time.sleep(_LAST_WORDS_PAUSE)

    def _go_down(self) -> None:
        """Give the payloads back and leave the rest to the next worker; what cannot be told now waits on the disk."""
        self._parts.pilot.lose_all(_WENT_DOWN)
        until = time.monotonic() + _LAST_REPORTS
        while self._parts.outbox.waiting() and time.monotonic() < until and self._parts.line.heard:
            time.sleep(_LAST_LOOK)

    def _tell_ending(self) -> None:
        """Tell payloads when this machine goes down, as far as that is known."""
        now = time.time()
        orders = [order.deadline for order in self._orders.values() if order.deadline > now]
        ends_at = min([now + self._life.seconds_left, *orders])
        try:
            features.write(Path(self._config.work_dir, features.MACHINE_FOLDER), features.ending(ends_at, now))
        except OSError as error:
            say(f"machine features: {error.strerror}")

    def _stay(self, reason: str) -> None:
        say(f"stays, although {reason}")
        self._leave_at = time.monotonic() + min(_RETRY, self._period)
        if reason in policy.MAY_BE_KEPT and not self._closed:
            self._parts.pilot.reopen()

    def _state(self) -> policy.State:
        status, line = self._parts.pilot.status(), self._parts.line
        dead_man = self._identity.dead_man_seconds
        # Once unheard for too long, a VM that is heard again delivers what it has and goes.
        told = self._parts.drain_file.there and not self._closed  # by a person, or an earlier worker
        self._drains = self._drains or told or line.silent_seconds >= dead_man
        return policy.State(
            busy=status.busy,
            undelivered=self._parts.outbox.waiting(),
            failed_matches=status.failed_matches,
            idle_seconds=status.idle_seconds,
            idle_limit=self._idle_limit,
            seconds_left=self._life.seconds_left,
            max_life=self._life.max_life,
            draining=self._drains or DRAIN in self._orders,
            halted=HALT in self._orders,
            expired=time.time() >= self._identity.not_after,
            broken=bool(status.broken),
            gone=line.gone,
            over=status.over,
            quiet_seconds=self._parts.vitals.quiet_seconds(),
            silent_seconds=line.silent_seconds,
            dead_man=dead_man,
            terms=self._terms,
        )

    def _pause(self) -> float:
        """Return the seconds until something is due by itself; the rest wakes us."""
        now = time.monotonic()
        due = [self._beat_at - now, self._identity.not_after - time.time(), self._leave_at - now]
        due += [policy.due(self._state()), _LONGEST_SLEEP]
        soon = [seconds for seconds in due if seconds > 0]
        return max(_SHORTEST_PERIOD, min(soon))


def _orders(**answer: Any) -> Orders:
    told = typed(Orders, answer)
    return Orders(
        [typed(Order, order) for order in told.orders],
        [int(job) for job in told.kill],
        float(told.heartbeat_seconds),
        float(told.idle_seconds),
        told.stop_policies or {},
    )
