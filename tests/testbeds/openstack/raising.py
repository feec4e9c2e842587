"""Bringing a bed up: what is started, filled and waited for, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.testbeds.common import mariadb, tools
from tests.testbeds.common.places import Say, write_private, written
from tests.testbeds.common.ports import listens
from tests.testbeds.common.started import Started

from . import clouds_file, programs, schemas, seeding, settings
from .bed import Bed
from .client import answers
from .places import Places
from .programs import APIS, COMPUTE, CONDUCTOR, SCHEDULER
from .recipe import word

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
    _started: Started = field(init=False)

    def __post_init__(self) -> None:
        self._started = Started(self.places)

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
        self._started.wait("mariadb", lambda: listens(self.ports["mariadb"]))

    def _schemas(self) -> None:
        if self.fresh:
            self.say("making the schemas of five services")
            schemas.make(self.places, self.venv, self.ports, self.secrets, self._environment)
        else:
            schemas.move(self.places, seeding.urls(self.ports), self._environment)
        self._started.wait("rabbit", lambda: listens(self.ports["rabbit"]))
        self.say("MariaDB, RabbitMQ and memcached are up")

    def _identity(self) -> None:
        self._start("keystone", "placement")
        self._started.wait("keystone", lambda: answers(seeding.urls(self.ports)["keystone"]))
        if self.fresh:
            self._seed("identity")

    def _apis(self) -> None:
        self._start(CONDUCTOR, "glance", "neutron", "nova", SCHEDULER)
        # nova-compute loses ten seconds at each call that no conductor answers
        self._started.wait(CONDUCTOR, lambda: self._count(SEEN.format(CONDUCTOR)))
        self._start(COMPUTE)
        for name in APIS:
            self._started.wait(name, lambda name=name: answers(f"http://127.0.0.1:{self.ports[name]}/"))  # type: ignore[misc]
        self.say("five APIs answer")
        if self.fresh:
            self._seed("content")

    def _compute(self) -> None:
        self._started.wait(COMPUTE, lambda: self._count(SEEN.format(COMPUTE)) and self._count(NODES))
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
            self._started.start(table[name], self._environment)

    def _seed(self, what: str) -> None:
        seeding.seed(what, self.places, self.venv, self.ports, self.secrets, self._environment)
        self.say(f"seeded: {what}")

    def _count(self, question: str) -> int:
        return int(mariadb.ask(self.places, question, self._environment))
