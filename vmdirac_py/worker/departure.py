"""How a VM takes its leave: it asks, or says so, or has nobody left to tell."""

import time
from typing import Optional

from . import policy
from .log import say
from .parts import Parts
from .standing import StandingOrders
from .wire import Leave, Leaving

_RETRY = 5.0  # seconds between two tries
_WENT_DOWN = "its worker or VM was stopped"
_LAST_WORDS, _LAST_WORDS_PAUSE = 3, 1.0  # tries to tell the manager of a halt, and seconds between them
_LAST_REPORTS = 10.0  # seconds for what became of payloads to reach the manager before the machine goes down
_LAST_LOOK = 0.05


class Departure:
    """Tells the manager that this VM stops; `due_at` (monotonic): before that it is not asked again."""

    def __init__(self, parts: Parts, orders: StandingOrders) -> None:
        self._parts, self._orders = parts, orders
        self.due_at = 0.0

    def taken(self, reason: str, *, period: float, closed: bool) -> bool:
        """Return whether this VM may stop for this reason now.

        Args:
            reason: of `policy`.
            period: seconds between two heartbeats.
            closed: whether it takes no more jobs, whatever the answer.
        """
        if time.monotonic() < self.due_at:
            return False
        say(f"wants to stop: {reason}")
        if reason == policy.HALTED:
            self._halt()
        elif reason in policy.UNTOLD:
            self._parts.pilot.kill_all()
        elif not self._allowed(reason):
            self._stay(reason, period=period, closed=closed)
            return False
        return True

    def _allowed(self, reason: str) -> bool:
        # Nothing may start while the answer is on its way.
        answer = self._ask(reason) if self._parts.pilot.close() else None
        return answer is not None and (answer.go or reason not in policy.MAY_BE_KEPT)

    def go_down(self) -> None:
        """Give the payloads back and leave the rest to the next worker; what cannot be told now waits on the disk."""
        self._parts.pilot.lose_all(_WENT_DOWN)
        until = time.monotonic() + _LAST_REPORTS
        while self._parts.outbox.waiting() and time.monotonic() < until and self._parts.line.heard:
            time.sleep(_LAST_LOOK)

    def _ask(self, reason: str) -> Optional[Leaving]:
        self._parts.hand_over_logs()
        return self._said(reason, self._parts.pilot.status().broken)

    def _said(self, reason: str, detail: str = "") -> Optional[Leaving]:
        code = policy.code(reason, worked=self._parts.pilot.status().worked)
        return self._parts.line.say("leave", Leave(reason, detail, code), Leaving)

    def _halt(self) -> None:
        """End all payloads and say so; a manager that does not answer does not keep the VM up."""
        self._parts.pilot.kill_all()
        self._parts.hand_over_logs()
        for _ in range(_LAST_WORDS):
            if self._orders.halted() and self._said(policy.HALTED) is not None:
                return
            time.sleep(_LAST_WORDS_PAUSE)

    def _stay(self, reason: str, *, period: float, closed: bool) -> None:
        say(f"stays, although {reason}")
        self.due_at = time.monotonic() + min(_RETRY, period)
        if reason in policy.MAY_BE_KEPT and not closed:
            self._parts.pilot.reopen()
