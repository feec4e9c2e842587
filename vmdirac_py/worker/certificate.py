"""This VM's certificate, renewed before it ends."""

import time

from .backoff import jittered
from .identity import Identity, Keyring
from .line import Line
from .log import say
from .trust import Manager
from .wire import Enrolled, Renew

_RETRY = 5.0  # seconds to a full disk


class Certificate:
    """Who this VM is, to the manager; `identity` is always the newest."""

    def __init__(self, identity: Identity, keyring: Keyring, manager: Manager) -> None:
        self.identity = identity
        self._keyring, self._manager, self._ask_at = keyring, manager, 0.0

    def renew(self, line: Line, period: float) -> None:
        """Ask for the next one where it is time, at most once in a period of heartbeats."""
        now = time.time()
        if now < max(self.identity.renew_at, self._ask_at):
            return
        self._ask_at = now + jittered(period)
        enrolled = line.say("renew", Renew(self._keyring.request()), Enrolled)
        if enrolled is not None:
            self._take_on(enrolled, period)

    def _take_on(self, enrolled: Enrolled, period: float) -> None:
        """Use a new one; one that a full disk does not take is asked for again."""
        try:
            self.identity = self._keyring.keep(enrolled, self.identity.instance)
            self._manager.use(self._keyring.certificate, self._keyring.key)
            say("certificate renewed")
        except OSError as error:
            self._ask_at = time.time() + max(_RETRY, jittered(period))
            say(f"the new certificate cannot be kept: {error.strerror}")
