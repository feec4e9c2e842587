"""How an OpenStack bed lives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.testbeds.common.life import Life
from tests.testbeds.common.places import Say

from . import machine, secret_files
from .bed import Bed
from .client import answers
from .environment import environment
from .places import Places, cache
from .programs import NAMES, SERVERS, STORES
from .raising import Raising
from .recipe import word


def _raising(places: Places, venv: Path, ports: Mapping[str, int], fresh: bool, say: Say) -> Bed:  # noqa: FBT001
    return Raising(places, venv, ports, secret_files.kept(places), fresh, say).run()


LIFE = Life(
    bed=Bed,
    places=Places,
    cache=cache,
    shared_name="cloud",
    needs=machine.NEEDS,
    environment=environment,
    word=word,
    programs=NAMES,
    stores=STORES,
    servers=SERVERS,
    raising=_raising,
    apis=lambda bed: {name: answers(url) for name, url in bed.urls.items()},
)
