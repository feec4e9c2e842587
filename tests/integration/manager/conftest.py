"""An installation with its manager running, for each test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.context import TestContext, make_context
from tests.support.manager import running
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.manager.serve import Ready


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[TestContext]:
    """Return a real installation whose clock stands still at the present."""
    context = make_context(tmp_path, clock=ManualClock(time.time()))
    yield context
    context.ledger.close()


@pytest.fixture
def where(ctx: TestContext) -> Iterator[Ready]:
    """Return where its manager listens."""
    with running(ctx) as ready:
        yield ready
