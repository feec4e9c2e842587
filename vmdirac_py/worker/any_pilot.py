"""What fetches jobs on this VM, whatever its flavour, as the monitor sees it."""

from typing import List, NamedTuple, Protocol

from .ce import InnerCE
from .wire import Slot, Work


class Status(NamedTuple):
    """What the pilot is doing; `busy` counts payloads and a match in flight; `broken` says why it can no more.

    `worked` tells whether any payload ran, `over` that it has ended by itself: there is nothing more to do.
    """

    slots: List[Slot]
    free_cores: int
    busy: int
    idle_seconds: float
    failed_matches: int
    broken: str
    worked: bool = False
    over: bool = False


class AnyPilot(Protocol):
    """Fetches jobs and sees to them in threads of its own."""

    def start(self, ce: InnerCE) -> None:
        """Begin to fetch jobs."""

    def status(self) -> Status:
        """Return what it is doing now."""

    def close(self) -> bool:
        """Fetch no more jobs; return whether nothing runs and none is on its way."""

    def reopen(self) -> None:
        """Fetch jobs again."""

    def limit_wait(self, seconds: float) -> None:
        """Wait no longer than this between two questions."""

    def works(self) -> List[Work]:
        """Return the jobs the manager gave whose payloads run."""

    def kill_all(self) -> None:
        """Fetch no more jobs and end every payload, unreported."""

    def kill(self, job: int) -> None:
        """End the payload of a job that is not this VM's any more, unreported."""

    def fail(self, job: int, minor: str) -> None:
        """End the payload of a job of `works`, and report it as failed."""

    def lose_all(self, minor: str) -> None:
        """Fetch no more jobs, end every payload and report those of `works` as lost."""
