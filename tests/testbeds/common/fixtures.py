"""A session's bed, for fixtures."""

from __future__ import annotations

import sys

import pytest

from .errors import Cannot
from .life import BedT, Life, PlacesT


def session_bed(request: pytest.FixtureRequest, life: Life[BedT, PlacesT], name: str) -> BedT:
    """Return the bed of one kind that all tests share; skip, loudly, where the machine cannot have one."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        # from nothing it takes minutes: whoever waits sees what for
        with capture.global_and_fixture_disabled():
            return life.shared(lambda words: _say(f"{name} test bed: {words}"))
    except Cannot as cannot:
        pytest.skip(f"no {name} here: {cannot}")


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()
