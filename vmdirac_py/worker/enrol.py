"""Enrolment: token, instance id and signing request against a certificate."""

import time
from typing import Callable, Union

from .backoff import Backoff
from .client import Client
from .identity import Identity, Keyring
from .log import say
from .trust import Refused, Unreachable, typed
from .wire import Config, Enrol, Enrolled, RetryAfter

_ACCEPTED = 202
_LONGEST_RETRY = 300.0  # seconds; whatever the manager says, a VM asks again within this


class GaveUp(Exception):
    """The VM cannot enrol; the text says why. It never holds the token."""


class Enrolment:
    """Asks until it is answered: waits as told, backs off when nobody answers, ends at the VM's end of life."""

    def __init__(
        self,
        config: Config,
        instance_id: str,
        keyring: Keyring,
        client: Client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config, self._keyring, self._client = config, keyring, client
        self._message = Enrol(config.token, instance_id, keyring.request())
        self._sleep = sleep
        self._backoff = Backoff()
        self._until = time.monotonic() + config.max_life

    def run(self) -> Identity:
        """Return who this VM is, its certificate stored.

        Raises:
            GaveUp: the manager refused, or did not answer within the VM's life.
        """
        while time.monotonic() < self._until:
            answer = self._ask()
            if isinstance(answer, Enrolled):
                return self._keyring.keep(answer, self._message.instance_id)
            self._sleep(answer)
        raise GaveUp("the manager did not enrol this VM within its life")

    def _ask(self) -> Union[Enrolled, float]:
        try:
            status, body = self._client.ask("enrol", self._message)
            return self._told(typed(RetryAfter, body)) if status == _ACCEPTED else typed(Enrolled, body)
        except Refused as error:
            raise GaveUp(f"enrolment {self._clean(error)}") from None
        except Unreachable as error:
            seconds = self._backoff.wait()
            say(f"enrolment: {self._clean(error)}; again in {seconds:.1f} s")
            return seconds

    def _told(self, answer: RetryAfter) -> float:
        self._backoff.reset()
        seconds = min(_LONGEST_RETRY, max(0.0, float(answer.retry_after)))
        say(f"enrolment: the manager does not know this instance yet; again in {seconds:.1f} s")
        return seconds

    def _clean(self, error: Exception) -> str:
        return str(error).replace(self._config.token, "[token]") if self._config.token else str(error)
