"""For tests that want a real DIRAC: import `dirac_bed` into their conftest."""

from __future__ import annotations

import pytest

from tests.testbeds.common.fixtures import session_bed

from .bed import Bed
from .life import LIFE


@pytest.fixture(scope="session")
def dirac_bed(request: pytest.FixtureRequest) -> Bed:
    """Return the bed that all tests share; skip, loudly, where the machine cannot."""
    return session_bed(request, LIFE, "DIRAC")
