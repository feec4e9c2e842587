"""The monitor: heartbeats, orders, certificate renewal, and the decision to stop this VM."""

import threading
import time
from typing import Any, Dict, Optional

from . import policy
from .backoff import jittered
from .certificate import Certificate
from .departure import Departure
from .life import Life
from .log import say
from .notice import Taking
from .parts import Parts
from .standing import DRAIN, HALT, StandingOrders
from .trust import known, typed
from .wire import Config, Order, Orders

INTERRUPTED = "interrupted"
_SHORTEST_PERIOD = 0.05
_LONGEST_SLEEP = 60.0


class Terminated(Exception):
    """The machine or the worker goes down, perhaps to come again (raised by the signal handler in the main thread)."""


class Monitor:
    """Runs in the main thread until there is a reason to stop.

    Raises:
        ValueError: the configuration's stop policies cannot be used.
    """

    def __init__(self, config: Config, certificate: Certificate, parts: Parts, life: Life) -> None:
        self._certificate, self._parts, self._life = certificate, parts, life
        self._wake = threading.Event()
        self._period, self._idle_limit = config.heartbeat_seconds, config.idle_seconds
        self._terms = policy.terms(config.stop_policies)
        self._orders = StandingOrders(config, parts, life)
        self._departure = Departure(parts, self._orders)
        self._beat_at = 0.0
        self._drains = self._closed = self._taken = False
        self._taking: Optional[Taking] = None

    def wake(self) -> None:
        """Look again now: a payload started or ended, or the outbox is empty."""
        self._wake.set()

    def taken(self, taking: Taking) -> None:
        """Drain, from the next look on: the cloud takes this VM back (called from any thread)."""
        self._taking = taking
        self.wake()

    def run(self) -> str:
        """Watch until this VM should stop; return the reason (of `policy`), or INTERRUPTED."""
        try:
            self._orders.tell_ending()
            return self._watch()
        except Terminated:
            self._departure.go_down()
            return INTERRUPTED

    def _watch(self) -> str:
        while True:
            self._wake.clear()
            self._face_end()
            self._beat()
            self._certificate.renew(self._parts.line, self._period)
            if self._parts.pilot.status().slots:
                self._parts.logs.note_work()
            state = self._state()
            self._close(state)
            self._orders.acknowledge()
            reason = policy.decide(state)
            if reason and self._departure.taken(reason, period=self._period, closed=self._closed):
                return reason
            self._wake.wait(self._pause())

    def _face_end(self) -> None:
        """Let everybody on this machine know, once, that the cloud takes it back, and when."""
        if self._taking is None or self._taken:
            return
        self._taken = True
        say(f"the cloud takes this VM back: {self._taking.action}")
        self._life.end_by(self._taking.at)
        self._parts.drain_file.write(f"the cloud takes it back: {self._taking.action}")
        self._orders.tell_ending()

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
            self._orders.obey(order)
        for job in orders.kill:
            self._parts.pilot.kill(job)

    def _learn(self, told: Dict[str, Any]) -> None:
        """Go by these stop policies from now on; those of a newer manager may not be understood."""
        try:
            self._terms = policy.terms(known(policy.Terms, told)) if told else self._terms
        except ValueError as error:
            say(f"stop policies stay as they are: {error}")

    def _close(self, state: policy.State) -> None:
        """Ask for no more jobs once that is over, and let everybody on this machine know."""
        if self._closed or not policy.closing(state):
            return
        self._closed = True
        self._parts.pilot.close()
        self._parts.drain_file.write("told to" if self._orders else "end of its time")
        self._beat_at = 0.0  # the manager shall count on this VM no more
        self._wake.set()

    def _state(self) -> policy.State:
        status, line, identity = self._parts.pilot.status(), self._parts.line, self._certificate.identity
        # Once unheard for too long, a VM that is heard again delivers what it has and goes.
        told = self._parts.drain_file.there and not self._closed  # by a person, or an earlier worker
        self._drains = self._drains or told or line.silent_seconds >= identity.dead_man_seconds
        return policy.State(
            busy=status.busy,
            undelivered=self._parts.outbox.waiting(),
            failed_matches=status.failed_matches,
            idle_seconds=status.idle_seconds,
            idle_limit=self._idle_limit,
            seconds_left=self._life.seconds_left,
            max_life=self._life.max_life,
            draining=self._drains or DRAIN in self._orders,
            taken=self._taken,
            halted=HALT in self._orders,
            expired=time.time() >= identity.not_after,
            broken=bool(status.broken),
            gone=line.gone,
            over=status.over,
            quiet_seconds=self._parts.vitals.quiet_seconds(),
            silent_seconds=line.silent_seconds,
            dead_man=identity.dead_man_seconds,
            terms=self._terms,
        )

    def _pause(self) -> float:
        """Return the seconds until something is due by itself; the rest wakes us."""
        now = time.monotonic()
        due = [self._beat_at - now, self._certificate.identity.not_after - time.time(), self._departure.due_at - now]
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
