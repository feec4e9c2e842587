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

from . import clouds_file, programs, schemas, seeding, settings
from .bed import Bed, written
from .client import answers
from .places import Places
from .programs import APIS, COMPUTE, CONDUCTOR, SCHEDULER
from .recipe import word

PATIENCE_S = 180.0
LOOK_S = 0.1
SEEN = "SELECT count(*) FROM nova.services WHERE `binary` = '{}' AND last_seen_up > utc_timestamp() - INTERVAL 4 SECOND"
NODES = "SELECT count(*) FROM nova.compute_nodes WHERE deleted = 0"
MAPPED = "SELECT count(*) FROM nova_api.host_mappings"


@dataclass(slots=True)
class Raising:
    """One bed that is being brought up; `fresh`: nothing is kept from an earlier time."""

    places: Places
    venv: Path
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    fresh: bool
    say: Say
    started: set[str] = field(default_factory=set)

    def run(self) -> Bed:
        """Bring it up and return it; whatever was started stays, for the caller to stop if this fails."""
        settings.write(self.places, self.venv, self.ports, self.secrets)
        self._stores()
        self._schemas()
        self._identity()
        self._apis()
        self._compute()
        return self._complete()

    def _stores(self) -> None:
        self._start("rabbit", "memcached")
        if self.fresh:
            mariadb.lay(self.places, self._environment)
        self._start("mariadb")
        self._wait("mariadb", lambda: listens(self.ports["mariadb"]))

    def _schemas(self) -> None:
        if self.fresh:
            self.say("making the schemas of five services")
            schemas.make(self.places, self.venv, self.ports, self.secrets, self._environment)
        else:
            schemas.move(self.places, seeding.urls(self.ports), self._environment)
        self._wait("rabbit", lambda: listens(self.ports["rabbit"]))
        self.say("MariaDB, RabbitMQ and memcached are up")

    def _identity(self) -> None:
        self._start("keystone", "placement")
        self._wait("keystone", lambda: answers(seeding.urls(self.ports)["keystone"]))
        if self.fresh:
            self._seed("identity")

    def _apis(self) -> None:
        self._start(CONDUCTOR, "glance", "neutron", "nova", SCHEDULER)
        # nova-compute loses ten seconds at each call that no conductor answers
        self._wait(CONDUCTOR, lambda: self._count(SEEN.format(CONDUCTOR)))
        self._start(COMPUTE)
        for name in APIS:
            self._wait(name, lambda name=name: answers(f"http://127.0.0.1:{self.ports[name]}/"))  # type: ignore[misc]
        self.say("five APIs answer")
        if self.fresh:
            self._seed("content")

    def _compute(self) -> None:
        self._wait(COMPUTE, lambda: self._count(SEEN.format(COMPUTE)) and self._count(NODES))
        if not self._count(MAPPED):
            settled: list[str | Path] = ["--config-file", self.places.etc / "nova/nova.conf"]
            command = [self.venv / "bin/nova-manage", *settled, "cell_v2", "discover_hosts"]
            tools.run(command, log=self.places.log / "discover.log", environment=self._environment)

    def _complete(self) -> Bed:
        bed = seeding.bed(self.places, self.ports)
        write_private(self.places.clouds, clouds_file.text(bed))
        write_private(self.places.made, word())
        write_private(self.places.bed, written(bed))
        return bed

    @property
    def _environment(self) -> dict[str, str]:
        return settings.surroundings(self.places, self.venv)

    def _start(self, *names: str) -> None:
        table = programs.table(self.places, self.venv, self.ports)
        for name in names:
            processes.start(table[name], home=self.places.home, log=self.places.log, environment=self._environment)
            self.started.add(name)

    def _seed(self, what: str) -> None:
        seeding.seed(what, self.places, self.venv, self.ports, self.secrets, self._environment)
        self.say(f"seeded: {what}")

    def _count(self, question: str) -> int:
        return int(mariadb.ask(self.places, question, self._environment))

    def _wait(self, name: str, ready: Callable[[], object]) -> None:
        """Wait for a program to be ready; one that ended, this or another, ends the wait."""
        end = time.monotonic() + PATIENCE_S
        while not ready():
            for ended in self.started - processes.running(self.places.home):
                raise self._broke(ended, "ended")
            if time.monotonic() > end:
                raise self._broke(name, f"was not ready within {PATIENCE_S:.0f} s")
            time.sleep(LOOK_S)

    def _broke(self, name: str, what: str) -> Broke:
        words = tools.tail(self.places.log / f"{name}.log") + tools.tail(self.places.log / f"{name}.out")
        return Broke(f"{name} {what}\n{words}", where=str(self.places.log))
