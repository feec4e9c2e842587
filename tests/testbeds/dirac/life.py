"""How a DIRAC bed lives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.testbeds.common.life import Life
from tests.testbeds.common.places import Say

from . import machine
from .bed import Bed
from .environment import environment
from .places import Places, cache
from .programs import NAMES, SERVERS, STORES
from .raising import Raising
from .recipe import word


def _raising(places: Places, venv: Path, ports: Mapping[str, int], fresh: bool, say: Say) -> Bed:  # noqa: FBT001
    return Raising(places, venv, ports, fresh, say).run()


LIFE = Life(
    bed=Bed,
    places=Places,
    cache=cache,
    shared_name="wms",
    needs=machine.NEEDS,
    environment=environment,
    word=word,
    programs=NAMES,
    stores=STORES,
    servers=SERVERS,
    raising=_raising,
    apis=lambda _: {},
)
