"""For tests that want a real OpenStack: import `openstack_bed` into their conftest."""

from __future__ import annotations

import pytest

from tests.testbeds.common.fixtures import session_bed

from .bed import Bed
from .life import LIFE


@pytest.fixture(scope="session")
def openstack_bed(request: pytest.FixtureRequest) -> Bed:
    """Return the bed that all tests share; skip, loudly, where the machine cannot."""
    return session_bed(request, LIFE, "OpenStack")
