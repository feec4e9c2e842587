"""The manager's orders that stand: obeyed once, acknowledged until it knows."""

import time
from pathlib import Path
from typing import Dict, Optional

from . import features
from .life import Life
from .log import say
from .parts import Parts
from .wire import Ack, Config, Order

DRAIN, HALT = "drain", "halt"


class StandingOrders:
    """What this VM was told to do, by verb."""

    def __init__(self, config: Config, parts: Parts, life: Life) -> None:
        self._folder, self._parts, self._life = Path(config.work_dir, features.MACHINE_FOLDER), parts, life
        self._orders: Dict[str, Order] = {}
        self._acknowledged: Optional[bool] = None

    def __contains__(self, verb: str) -> bool:
        """Tell whether this was ordered."""
        return verb in self._orders

    def __bool__(self) -> bool:
        """Tell whether anything was ordered."""
        return bool(self._orders)

    def obey(self, order: Order) -> None:
        """Take no more jobs, from the first time on that this is heard; an unknown verb is passed over."""
        if order.verb in self._orders or order.verb not in (DRAIN, HALT):
            return
        say(f"told to {order.verb}")
        self._orders[order.verb] = order
        self._parts.pilot.close()
        self.tell_ending()

    def acknowledge(self) -> None:
        """Say that a drain is obeyed, and say it again when nothing runs any more and all of it was reported."""
        if DRAIN in self._orders:
            # In this order: a payload that ends in between has its report in the outbox before it is gone.
            empty = self._parts.pilot.close() and not self._parts.outbox.waiting()
            if self._acknowledged != empty:
                self._say_drained(empty=empty)

    def halted(self) -> bool:
        """Say that a halt is obeyed, if there is one; return whether the manager knows."""
        return HALT not in self._orders or self._said(Ack(HALT, empty=True))

    def tell_ending(self) -> None:
        """Tell payloads when this machine goes down, as far as that is known."""
        now = time.time()
        deadlines = [order.deadline for order in self._orders.values() if order.deadline > now]
        ends_at = min([now + self._life.seconds_left, *deadlines])
        try:
            features.write(self._folder, features.ending(ends_at, now))
        except OSError as error:
            say(f"machine features: {error.strerror}")

    def _say_drained(self, *, empty: bool) -> None:
        if empty:
            self._parts.hand_over_logs()
        if self._said(Ack(DRAIN, empty)):
            self._acknowledged = empty

    def _said(self, message: Ack) -> bool:
        return self._parts.line.say("acknowledge", message, dict) is not None
