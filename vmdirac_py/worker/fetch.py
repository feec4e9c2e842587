"""Input sandboxes, fetched with patience: an outage of the manager delays a payload and does not fail it."""

import time
from pathlib import Path
from typing import Callable

from .backoff import Backoff
from .client import Client
from .log import say
from .payload import CannotRun
from .trust import Manager, Refused, Unreachable
from .wire import Work


class SandboxFetch:
    """Fetches through a connection of its own, so that heartbeats never wait behind a large file."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def __call__(self, work: Work, target: Path, abandoned: Callable[[], bool]) -> None:
        """Fetch the input sandbox of a job into `target`.

        Raises:
            CannotRun: the manager refuses it, or the payload was abandoned meanwhile.
        """
        client, backoff = Client(self._manager), Backoff(cap=10.0)
        try:
            while not abandoned():
                try:
                    client.download(f"sandbox/{work.job}", target)
                    return  # noqa: TRY300 -- the loop is the "else"
                except Unreachable as error:
                    say(f"job {work.job}: input sandbox: {error}")
                    time.sleep(backoff.wait())
        except Refused as error:
            raise CannotRun(f"Input sandbox {error}") from None
        finally:
            client.close()
        raise CannotRun("Halted before its start")
