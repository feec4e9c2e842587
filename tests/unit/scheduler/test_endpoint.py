"""An endpoint's listing thread stays calm when listing fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.context import TestContext, make_context
from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.installation import Installation
from vmdirac_py.scheduler.endpoint import LEASE_SECONDS, Lister


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[TestContext]:
    """An installation whose endpoint `north` has no driver, so that listing it fails."""
    context = make_context(tmp_path)
    yield context
    context.ledger.close()


def test_a_listing_that_failed_is_not_tried_again_at_once(ctx: TestContext) -> None:
    """The first listing is due at once; one that failed waits like one that worked."""
    lister = Lister(cast("Installation", ctx), "north")
    assert lister.pause() <= 0
    with pytest.raises(VmdiracError):
        lister.round()
    assert 1 < lister.pause() <= LEASE_SECONDS / 3


def test_a_listing_that_is_wanted_comes_sooner_but_not_at_once(ctx: TestContext) -> None:
    """However often it is wanted, there is a gap after the last one."""
    lister = Lister(cast("Installation", ctx), "north")
    with pytest.raises(VmdiracError):
        lister.round()
    lister.want()
    assert 0 < lister.pause() < 1
