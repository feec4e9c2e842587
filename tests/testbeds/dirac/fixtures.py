"""For tests that want a real DIRAC: import `dirac_bed` into their conftest."""

from __future__ import annotations

import sys

import pytest

from tests.testbeds.common.errors import Cannot

from . import sharing
from .bed import Bed


@pytest.fixture(scope="session")
def dirac_bed(request: pytest.FixtureRequest) -> Bed:
    """Return the bed that all tests share; skip, loudly, where the machine cannot."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        # from nothing it takes minutes: whoever waits sees what for
        with capture.global_and_fixture_disabled():
            return sharing.shared(_say)
    except Cannot as cannot:
        pytest.skip(f"no DIRAC here: {cannot}")


def _say(words: str) -> None:
    sys.stderr.write(f"dirac test bed: {words}\n")
    sys.stderr.flush()
