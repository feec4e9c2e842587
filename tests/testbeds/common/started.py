"""The programs of a bed that is being brought up: started, and waited for while all of them live."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import processes, tools
from .errors import Broke
from .places import Places

PATIENCE_S = 180.0
LOOK_S = 0.1


@dataclass(slots=True)
class Started:
    """What was started so far."""

    places: Places
    names: set[str] = field(default_factory=set)

    def start(self, program: processes.Program, environment: Mapping[str, str]) -> None:
        """Start one more."""
        processes.start(program, home=self.places.home, log=self.places.log, environment=environment)
        self.names.add(program.name)

    def wait(self, name: str, ready: Callable[[], object]) -> None:
        """Wait for a program to be ready.

        Raises:
            Broke: it was not in time, or one that was started ended, this or another; with the end of its logs.
        """
        end = time.monotonic() + PATIENCE_S
        while not ready():
            for ended in self.names - processes.running(self.places.home):
                raise self._broke(ended, "ended")
            if time.monotonic() > end:
                raise self._broke(name, f"was not ready within {PATIENCE_S:.0f} s")
            time.sleep(LOOK_S)

    def _broke(self, name: str, what: str) -> Broke:
        words = tools.tail(self.places.log / f"{name}.log") + tools.tail(self.places.log / f"{name}.out")
        return Broke(f"{name} {what}\n{words}", where=str(self.places.log))
