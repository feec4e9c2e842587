"""The contract of an inner CE: how one payload is run on this VM."""

from typing import List, NamedTuple, Optional, Protocol, Tuple

from .wire import Slot, Work

DONE, FAILED, RUNNING, LOST, RETURNED = "Done", "Failed", "Running", "Lost", "Returned"
MANY = 1_000_000  # slots: as many as resources allow
ACCOUNTS = 100  # slots that can have a unix user


class Outcome(NamedTuple):
    """What became of a payload; `output` is the path of its packed output, empty when there is none.

    `cpu_seconds` and `peak_ram_mb` are what all its processes used, 0 where that is not known.
    """

    state: str
    minor: str
    exit_code: Optional[int]
    output: str
    cpu_seconds: float = 0.0
    peak_ram_mb: int = 0


class Handle(Protocol):
    """One payload in the hands of an inner CE."""

    work: Work

    def poll(self) -> Optional[Outcome]:
        """Return what became of it, or None while it runs."""

    def kill(self) -> None:
        """End it with all its descendants; it is then abandoned: its watcher hears no end, but when it is gone."""


class Watcher(Protocol):
    """Who is told about payloads (from any thread)."""

    def started(self, work: Work) -> None:
        """Tell that the payload's process runs."""

    def ended(self, work: Work, outcome: Outcome) -> None:
        """Tell that the payload is over and cleaned up."""

    def gone(self, work: Work) -> None:
        """Tell that a payload that was abandoned is over and cleaned up: its slot is free."""


class InnerCE(Protocol):
    """Runs payloads one by one or side by side."""

    def start(self, work: Work, slot: Slot) -> Handle:
        """Begin to run a payload; returns at once. Raises OSError, RuntimeError where the machine cannot."""

    def problems(self) -> List[str]:
        """Return why it cannot run payloads on this machine."""

    def leftovers(self) -> List[str]:
        """Clean up after an earlier worker; return the payloads that were cut off."""


class UnknownCE(Exception):
    """`inner_ce` of the configuration names nothing this worker can do."""


IN_PROCESS, SUDO, SINGULARITY = "InProcess", "Sudo", "Singularity"
KINDS = {
    IN_PROCESS: (IN_PROCESS, 1),
    SUDO: (SUDO, 1),
    SINGULARITY: (SINGULARITY, 1),
    "Pool": (IN_PROCESS, MANY),
    f"Pool/{IN_PROCESS}": (IN_PROCESS, MANY),
    f"Pool/{SUDO}": (SUDO, ACCOUNTS),
    f"Pool/{SINGULARITY}": (SINGULARITY, ACCOUNTS),
}


def parse(inner_ce: str) -> Tuple[str, int]:
    """Return (name of the inner CE, most payloads at once).

    Raises:
        UnknownCE: not one of `KINDS`.
    """
    try:
        return KINDS[inner_ce]
    except KeyError:
        raise UnknownCE(f"inner_ce {inner_ce!r} is unknown; known are {', '.join(KINDS)}") from None
