"""Messages that may go unheard: an outage is logged, and its end wakes the courier."""

import http.client
from typing import Any, Callable, Optional, TypeVar

from .client import Client
from .log import say
from .outbox import Courier
from .trust import Refused, TalkError

_Answer = TypeVar("_Answer")


class Line:
    """Says things to the manager and knows whether it is heard; `gone`: it said that this VM is no more."""

    def __init__(self, client: Client, courier: Courier) -> None:
        self._client, self._courier = client, courier
        self._heard = True
        self.gone = False

    def say(self, verb: str, message: Any, kind: Callable[..., _Answer]) -> Optional[_Answer]:
        """Send a message; return the answer, or None when there was no good one."""
        try:
            answer = self._client.post(verb, message, kind)
        except TalkError as error:
            say(f"{verb}: {error}")
            self._heard = False
            self.gone = self.gone or (isinstance(error, Refused) and error.status == http.client.GONE)
            return None
        if not self._heard:
            say("the manager is there again")
            self._heard = True
            self._courier.knock()
        return answer
