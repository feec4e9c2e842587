"""The monitor: heartbeats, orders, certificate renewal, and the decision to stop this VM."""

import os
import shutil
import threading
import time
from typing import Any, Dict, List, NamedTuple, Optional

from . import policy
from .any_pilot import AnyPilot
from .backoff import jittered
from .identity import Identity, Keyring
from .life import Life
from .line import Line
from .log import say
from .outbox import Outbox
from .trust import Manager, typed
from .wire import Ack, Beat, Config, Enrolled, Leave, Leaving, Order, Orders, Renew

DRAIN, HALT = "drain", "halt"
_RETRY = 5.0  # seconds between two tries to leave
_LAST_WORDS, _LAST_WORDS_PAUSE = 3, 1.0  # tries to tell the manager of a halt, and seconds between them
_SHORTEST_PERIOD = 0.05
_LONGEST_SLEEP = 60.0


class Terminated(Exception):
    """The machine goes down (raised by the signal handler in the main thread)."""


class Parts(NamedTuple):
    """What the monitor watches and speaks through."""

    manager: Manager
    line: Line
    keyring: Keyring
    pilot: AnyPilot
    outbox: Outbox


class Monitor:
    """Runs in the main thread until there is a reason to stop.

    Args:
        broken: what an earlier worker on this VM lost, in words; empty when nothing.
        version: of the worker, told in each heartbeat.
    """

    def __init__(
        self, config: Config, identity: Identity, parts: Parts, life: Life, *, version: str, broken: str
    ) -> None:
        self._config, self._identity, self._parts, self._life = config, identity, parts, life
        self._version, self._broken = version, broken
        self._wake = threading.Event()
        self._period, self._idle_limit = config.heartbeat_seconds, config.idle_seconds
        self._beat_at = self._renew_at = self._leave_at = 0.0
        self._orders: Dict[str, Order] = {}
        self._acknowledged: Optional[bool] = None

    def wake(self) -> None:
        """Look again now: a payload started or ended, or the outbox is empty."""
        self._wake.set()

    def run(self) -> str:
        """Watch until this VM should stop; return the reason (of `policy`)."""
        try:
            return self._watch()
        except Terminated:
            self._halt("the machine goes down")
            return policy.HALTED

    def _watch(self) -> str:
        while True:
            self._wake.clear()
            self._beat()
            self._renew()
            self._acknowledge()
            reason = policy.decide(self._state())
            if reason and time.monotonic() >= self._leave_at and self._leave(reason):
                return reason
            self._wake.wait(self._pause())

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._beat_at:
            return
        self._beat_at = now + jittered(self._period)
        orders = self._parts.line.say("heartbeat", self._message(), _orders)
        if orders is not None:
            self._heard(orders)

    def _message(self) -> Beat:
        config, status = self._config, self._parts.pilot.status()
        return Beat(
            at=time.time(),
            state="draining" if DRAIN in self._orders else "running",
            load=os.getloadavg()[0],
            uptime=self._life.uptime,
            cores=config.cores,
            free_cores=status.free_cores,
            ram_mb=config.ram_mb,
            disk_free_mb=shutil.disk_usage(config.work_dir).free // 2**20,
            slots=status.slots,
            idle_seconds=status.idle_seconds,
            failed_matches=status.failed_matches,
            version=self._version,
        )

    def _heard(self, orders: Orders) -> None:
        self._period, self._idle_limit = max(_SHORTEST_PERIOD, orders.heartbeat_seconds), orders.idle_seconds
        self._parts.pilot.limit_wait(self._period)
        self._beat_at = min(self._beat_at, time.monotonic() + jittered(self._period))
        for order in orders.orders:
            self._obey(order)
        for job in orders.kill:
            self._parts.pilot.kill(job)

    def _obey(self, order: Order) -> None:
        if order.verb in self._orders or order.verb not in (DRAIN, HALT):
            return
        say(f"told to {order.verb}")
        self._orders[order.verb] = order
        self._parts.pilot.close()

    def _acknowledge(self) -> None:
        """Say that a drain is obeyed, and say it again when nothing runs any more and all of it was reported."""
        if DRAIN in self._orders:
            # In this order: a payload that ends in between has its report in the outbox before it is gone.
            empty = self._parts.pilot.close() and not self._parts.outbox.waiting()
            if self._acknowledged != empty and self._parts.line.say("acknowledge", Ack(DRAIN, empty), dict) is not None:
                self._acknowledged = empty

    def _renew(self) -> None:
        now = time.time()
        if now < max(self._identity.renew_at, self._renew_at):
            return
        self._renew_at = now + jittered(self._period)
        enrolled = self._parts.line.say("renew", Renew(self._parts.keyring.request()), Enrolled)
        if enrolled is not None:
            self._identity = self._parts.keyring.keep(enrolled)
            self._parts.manager.use(self._parts.keyring.certificate, self._parts.keyring.key)
            say("certificate renewed")

    def _leave(self, reason: str) -> bool:
        """Tell the manager that this VM stops; return whether it may."""
        say(f"wants to stop: {reason}")
        if reason in policy.UNTOLD:
            self._parts.pilot.kill_all()
            return True
        if reason == policy.HALTED:
            self._halt("")
            return True
        # Nothing may start while the answer is on its way.
        answer = (
            self._parts.line.say("leave", Leave(reason, self._broken or self._parts.pilot.status().broken), Leaving)
            if self._parts.pilot.close()
            else None
        )
        if answer is not None and (answer.go or reason not in policy.MAY_BE_KEPT):
            return True
        self._stay(reason)
        return False

    def _halt(self, detail: str) -> None:
        """End all payloads and say so; a manager that does not answer does not keep the VM up."""
        self._parts.pilot.kill_all()
        for _ in range(_LAST_WORDS):
            told = (
                HALT not in self._orders or self._parts.line.say("acknowledge", Ack(HALT, empty=True), dict) is not None
            )
            if told and self._parts.line.say("leave", Leave(policy.HALTED, detail), Leaving) is not None:
                return
            time.sleep(_LAST_WORDS_PAUSE)

    def _stay(self, reason: str) -> None:
        say(f"stays, although {reason}")
        self._leave_at = time.monotonic() + min(_RETRY, self._period)
        if reason in policy.MAY_BE_KEPT:
            self._parts.pilot.reopen()

    def _state(self) -> policy.State:
        status = self._parts.pilot.status()
        return policy.State(
            busy=status.busy,
            undelivered=self._parts.outbox.waiting(),
            failed_matches=status.failed_matches,
            idle_seconds=status.idle_seconds,
            idle_limit=self._idle_limit,
            seconds_left=self._life.seconds_left,
            max_life=self._life.max_life,
            draining=DRAIN in self._orders,
            halted=HALT in self._orders,
            expired=self._expired(),
            broken=bool(self._broken or status.broken),
            gone=self._parts.line.gone,
        )

    def _expired(self) -> bool:
        """Tell whether the certificate ended without contact; from then on no more jobs are asked for."""
        if time.time() < self._identity.not_after:
            return False
        self._parts.pilot.close()
        return True

    def _pause(self) -> float:
        """Return the seconds until something is due by itself; the rest wakes us."""
        now, status = time.monotonic(), self._parts.pilot.status()
        due = [self._beat_at - now, self._life.for_jobs(), self._identity.not_after - time.time(), _LONGEST_SLEEP]
        due += [self._idle_limit - status.idle_seconds, self._leave_at - now]
        soon = [seconds for seconds in due if seconds > 0]
        return max(_SHORTEST_PERIOD, min(soon))


def _orders(orders: List[Any], kill: List[Any], heartbeat_seconds: float, idle_seconds: float) -> Orders:
    told = [typed(Order, order) for order in orders]
    return Orders(told, [int(job) for job in kill], float(heartbeat_seconds), float(idle_seconds))
