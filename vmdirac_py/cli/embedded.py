"""The embedded clouds of one installation, run beside its services: started, started again when they die, ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vmdirac_py.clouds.local import start_server, state_of, stop_server
from vmdirac_py.clouds.local.places import server_pid
from vmdirac_py.installation import Installation


@dataclass(frozen=True, slots=True)
class EmbeddedClouds:
    """The clouds' folders, and the home that their VMs must not see."""

    states: tuple[Path, ...]
    home: Path

    def tend(self) -> list[Path]:
        """Start those again that died; their VMs lived on. Return which."""
        dead = [state for state in self.states if server_pid(state) is None]
        for state in dead:
            self._start(state)
        return dead

    def end(self) -> None:
        """End all VMs and all clouds; one that died is started once more, since only a living one ends its VMs."""
        self.tend()
        for state in self.states:
            stop_server(state, terminate=True)

    def take_over(self) -> None:
        """Stop what an earlier `vmdirac up` of this home left running when it was killed; the VMs live on."""
        for state in self.states:
            if state.is_relative_to(self.home):
                stop_server(state)

    def start(self) -> None:
        """Start all, or none. Raises Unusable."""
        started: list[Path] = []
        try:
            for state in self.states:
                self._start(state)
                started.append(state)
        except BaseException:
            for state in started:
                stop_server(state)
            raise

    def _start(self, state: Path) -> None:
        start_server(state, hidden=[self.home])


def embedded_clouds(ctx: Installation) -> EmbeddedClouds:
    """Return the embedded clouds of the active inventory."""
    endpoints = ctx.inventory().endpoints.values()
    states = (state_of(endpoint, ctx.home.root) for endpoint in endpoints if endpoint.kind == "local")
    return EmbeddedClouds(tuple(dict.fromkeys(states)), ctx.home.root)


@contextlib.contextmanager
def running_clouds(ctx: Installation) -> Iterator[EmbeddedClouds]:
    """Run the embedded clouds for the length of a `with`; at the end their VMs are stopped.

    Raises:
        Unusable: one cannot be started, or belongs to somebody else who runs it.
    """
    clouds = embedded_clouds(ctx)
    clouds.take_over()
    clouds.start()
    try:
        yield clouds
    finally:
        clouds.end()
