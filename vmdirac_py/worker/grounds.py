"""What a run is given: where payloads run, how their things are fetched, and the inner CE they are in."""

from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Protocol

from .accounts import Account
from .ce import Watcher
from .cgroup import MB, Used
from .options import Options
from .payload import Place
from .walls import Command, Wall
from .wire import Credential, Slot, Work


class Grounds(NamedTuple):
    """Where payloads run, and on what: job folders and packed outputs, this VM's id, memory and GPUs."""

    folder: Path
    outputs: Path
    vm: str
    options: Options = Options()
    ram_mb: int = 0
    gpus: int = 0

    def disk_bytes(self, work: Work) -> int:
        """Return how much disk a payload may fill, 0: all there is."""
        return (work.disk_mb or self.options.disk_mb * work.cores) * MB


class Errands(NamedTuple):
    """What is fetched for a payload. Both raise CannotRun, and try until the question they are given says yes.

    `sandbox` gets its input into a file, `credential` its owner's credential if it is another than the given version;
    that is tried once, and raises TalkError.
    """

    sandbox: Callable[[Work, Path, Callable[[], bool]], None]
    credential: Callable[[Work, str, Callable[[], bool]], Credential]


class Inside(NamedTuple):
    """A payload's command, what stands around it (the innermost first), and what it used, where that is counted."""

    command: Command
    walls: List[Wall]
    used: Optional[Callable[[], Used]]


class Element(Protocol):
    """What a run needs of its inner CE."""

    grounds: Grounds
    errands: Errands
    watcher: Watcher

    def account(self, slot: Slot) -> Optional[Account]:
        """Return whose a payload's folders are; None: the worker's own user's. Raises CannotRun."""

    def inside(self, work: Work, slot: Slot, place: Place) -> Inside:
        """Return the command of a payload and what stands around it. Raises CannotRun, OSError."""
