"""Messages that may go unheard: an outage is logged, and its end wakes the courier."""

import http.client
import time
from typing import Any, Callable, Optional, TypeVar

from .client import Client
from .log import say
from .outbox import Courier
from .trust import Refused, TalkError

_Answer = TypeVar("_Answer")


class Line:
    """Says things to the manager and knows whether it is heard; `gone`: it said that this VM is no more.

    `silent_seconds` is how long it has given no good answer.
    """

    def __init__(self, client: Client, courier: Courier) -> None:
        self._client, self._courier = client, courier
        self.heard, self._heard_at = True, time.monotonic()
        self.gone = False

    @property
    def silent_seconds(self) -> float:
        """Seconds since the last good answer, or since the start."""
        return time.monotonic() - self._heard_at

    def say(self, verb: str, message: Any, kind: Callable[..., _Answer]) -> Optional[_Answer]:
        """Send a message; return the answer, or None when there was no good one."""
        try:
            answer = self._client.post(verb, message, kind)
        except TalkError as error:
            say(f"{verb}: {error}")
            self.heard = False
            self.gone = self.gone or (isinstance(error, Refused) and error.status == http.client.GONE)
            return None
        self._heard_at = time.monotonic()
        if not self.heard:
            say("the manager is there again")
            self.heard = True
            self._courier.knock()
        return answer
