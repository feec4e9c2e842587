"""Installations that really run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Here, running


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A running installation of three VOs."""
    with running(tmp_path) as made:
        yield made
