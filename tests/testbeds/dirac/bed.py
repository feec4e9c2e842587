"""The bed that is up, as a value, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.testbeds.common import tools

from . import wanted
from .places import Places
from .programs import surroundings
from .values import Job, Pilot, Place


class Bed(msgspec.Struct, frozen=True, kw_only=True):
    """A DIRAC that answers, and what it was seeded with; it holds no secret, only where secrets stand."""

    home: Path
    venv: Path
    """DIRAC's own environment."""
    version: str
    configuration: str
    """URL of the Configuration service."""
    places: Mapping[str, Place]
    """VO: its one site, computing element and queue."""
    recipe: str

    def proxy(self, group: str) -> Path:
        """Return the file of a group's proxy."""
        return Places(self.home).proxies / f"{group}.pem"

    def environment(self, group: str) -> dict[str, str]:
        """Return the environment of a DIRAC client that acts for a group."""
        places = Places(self.home)
        return surroundings(places, self.venv, places.client) | {"X509_USER_PROXY": str(self.proxy(group))}

    def ask(self, verb: str, question: object, group: str = wanted.ADMINISTRATORS) -> Any:
        """Ask the services (a verb of `inside/ask.py`); raise `Broke` when they refuse."""
        places = Places(self.home)
        command: tools.Command = [self.venv / "bin/python", places.inside / "ask.py", verb]
        given = msgspec.json.encode(question).decode()
        text = tools.answer(command, given=given, log=places.log / "ask.log", environment=self.environment(group))
        return msgspec.json.decode(text)

    def submit(self, jdls: Sequence[str], group: str) -> list[int]:
        """Submit jobs for a group; return their ids."""
        return msgspec.convert(self.ask("submit", jdls, group), list[int])

    def jobs(self, ids: Sequence[int]) -> dict[int, Job]:
        """Return what became of jobs so far."""
        return msgspec.convert(self.ask("jobs", ids), dict[int, Job], strict=False)

    def pilots(self, references: Sequence[str]) -> dict[str, Pilot]:
        """Return the pilots of these references that are registered."""
        return msgspec.convert(self.ask("pilots", references), dict[str, Pilot])
