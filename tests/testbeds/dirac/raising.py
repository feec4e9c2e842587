"""Bringing a bed up: what is started, filled and waited for, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.testbeds.common import mariadb
from tests.testbeds.common.places import Say, write_private, written
from tests.testbeds.common.ports import listens
from tests.testbeds.common.started import Started

from . import certificates, programs, seeding, settings, wanted
from .bed import Bed
from .environment import version
from .places import Places
from .programs import CONFIGURATION, EXECUTOR, STORES, program_of
from .recipe import word


@dataclass(slots=True)
class Raising:
    """One bed that is being brought up; `fresh`: nothing is kept from an earlier time."""

    places: Places
    venv: Path
    ports: Mapping[str, int]
    fresh: bool
    say: Say
    _started: Started = field(init=False)

    def __post_init__(self) -> None:
        self._started = Started(self.places)

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
            self._started.start(table[name], self._environment)

    def _wait(self, *names: str) -> None:
        for name in names:
            self._started.wait(program_of(name), lambda name=name: listens(self.ports[name]))  # type: ignore[misc]
