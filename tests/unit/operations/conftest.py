"""An installation for each test, and its one cloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.context import TestContext, make_context


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[TestContext]:
    """Return a real installation whose clock stands still."""
    context = make_context(tmp_path)
    yield context
    context.ledger.close()


@pytest.fixture
def cloud(ctx: TestContext) -> ScriptedCloud:
    """Return the cloud behind the installation's endpoint `north`."""
    double = ScriptedCloud(ctx.clock)
    ctx.endpoints = {"north": double}
    return double
