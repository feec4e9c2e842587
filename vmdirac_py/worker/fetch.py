"""Sandboxes and credentials, fetched with patience: an outage of the manager delays a payload and does not fail it."""

import time
from pathlib import Path
from typing import Callable, TypeVar

from .backoff import Backoff
from .client import Client
from .log import say
from .payload import CannotRun
from .trust import Manager, Refused, Unreachable
from .wire import Credential, CredentialAsk, Work

_Fetched = TypeVar("_Fetched")


class Fetch:
    """Fetches through connections of its own, so that heartbeats never wait behind a large file."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def sandbox(self, work: Work, target: Path, abandoned: Callable[[], bool]) -> None:
        """Fetch the input sandbox of a job into `target`.

        Raises:
            CannotRun: the manager refuses it, or the payload was abandoned meanwhile.
        """
        self._patiently(work, "Input sandbox", lambda client: client.download(f"sandbox/{work.job}", target), abandoned)

    def credential(self, work: Work, version: str, abandoned: Callable[[], bool]) -> Credential:
        """Return the credential of a job's owner, without its text when it is the given version.

        The first is waited for, a newer one is asked for once: it is asked for again soon enough.

        Raises:
            CannotRun: the manager refuses it, or the payload was abandoned meanwhile.
            Unreachable: no answer, when asked for a newer one.
        """
        asked = CredentialAsk(work.job, work.attempt, version)

        def ask(client: Client) -> Credential:
            return client.post("credential", asked, Credential)

        return self._once("Credential", ask) if version else self._patiently(work, "Credential", ask, abandoned)

    def _patiently(
        self, work: Work, what: str, fetch: Callable[[Client], _Fetched], abandoned: Callable[[], bool]
    ) -> _Fetched:
        backoff = Backoff(cap=5.0)  # not so long that an abandoned payload is waited for
        while not abandoned():
            try:
                return self._once(what, fetch)
            except Unreachable as error:
                say(f"job {work.job}: {what.lower()}: {error}")
                time.sleep(backoff.wait())
        raise CannotRun("Halted before its start")

    def _once(self, what: str, fetch: Callable[[Client], _Fetched]) -> _Fetched:
        client = Client(self._manager)
        try:
            return fetch(client)
        except Refused as error:
            raise CannotRun(f"{what} {error}") from None
        finally:
            client.close()
