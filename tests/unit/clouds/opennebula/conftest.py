"""A front end for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.opennebula import FrontEnd, front_end


@pytest.fixture
def one() -> Iterator[FrontEnd]:
    """Return a fresh front end."""
    with front_end() as made:
        yield made
