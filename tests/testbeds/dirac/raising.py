"""Bringing a bed up: what is started, filled and waited for, in which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.testbeds.common import mariadb, processes, tools
from tests.testbeds.common.errors import Broke
from tests.testbeds.common.places import Say, write_private
from tests.testbeds.common.ports import listens

from . import certificates, programs, seeding, settings, wanted
from .bed import Bed, written
from .environment import version
from .places import Places
from .programs import CONFIGURATION, EXECUTOR, STORES, program_of
from .recipe import word

PATIENCE_S = 180.0
LOOK_S = 0.1


@dataclass(slots=True)
class Raising:
    """One bed that is being brought up; `fresh`: nothing is kept from an earlier time."""

    places: Places
    venv: Path
    ports: Mapping[str, int]
    fresh: bool
    say: Say
    started: set[str] = field(default_factory=set)

    def run(self) -> Bed:
        """Bring it up and return it; whatever was started stays, for the caller to stop if this fails."""
        settings.write(self.places, self.ports, seeding.password(self.places))
        if self.fresh:
            certificates.make(self.places, self._environment)
            mariadb.lay(self.places, self._environment)
        self._start(*STORES)
        self._wait(*STORES)
        if self.fresh:
            self.say("making databases and tables")
            seeding.databases(self.places, self.venv, self._environment)
            seeding.tables(self.places, self.venv)
        self._services()
        return self._complete()

    def _services(self) -> None:
        self._start(CONFIGURATION)
        # proxies last for a week, a bed for longer: they are new each time
        seeding.proxies(self.places, self.venv)
        self._wait(CONFIGURATION)
        others = [name for name in settings.names() if name != CONFIGURATION]
        self._start(*others)
        self._wait(*others)
        self._start(EXECUTOR)
        self.say("ten services answer")
        if self.fresh:
            seeding.content(self.places, self.venv)
        seeding.upload(self.places, self.venv)

    def _complete(self) -> Bed:
        bed = Bed(
            home=self.places.home,
            venv=self.venv,
            version=version(),
            configuration=settings.url(self.ports, CONFIGURATION),
            places=wanted.PLACES,
            recipe=word(),
        )
        write_private(self.places.made, word())
        write_private(self.places.bed, written(bed))
        return bed

    @property
    def _environment(self) -> dict[str, str]:
        return programs.surroundings(self.places, self.venv, self.places.server)

    def _start(self, *names: str) -> None:
        table = programs.table(self.places, self.venv, self.ports)
        for name in names:
            processes.start(table[name], home=self.places.home, log=self.places.log, environment=self._environment)
            self.started.add(program_of(name))

    def _wait(self, *names: str) -> None:
        for name in names:
            self._wait_for(name, lambda name=name: listens(self.ports[name]))  # type: ignore[misc]

    def _wait_for(self, name: str, ready: Callable[[], object]) -> None:
        """Wait for a program to be ready; one that ended, this or another, ends the wait."""
        end = time.monotonic() + PATIENCE_S
        while not ready():
            for ended in self.started - processes.running(self.places.home):
                raise self._broke(ended, "ended")
            if time.monotonic() > end:
                raise self._broke(program_of(name), f"was not ready within {PATIENCE_S:.0f} s")
            time.sleep(LOOK_S)

    def _broke(self, name: str, what: str) -> Broke:
        return Broke(f"{name} {what}\n{tools.tail(self.places.log / f'{name}.out')}", where=str(self.places.log))
