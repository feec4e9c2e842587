"""An endpoint's listing thread stays calm when listing fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.context import TestContext, events, make_context
from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.clouds.api import AuthFailed, Throttled
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


def test_a_refused_login_is_not_tried_again_and_again(ctx: TestContext) -> None:
    """After a login that was refused the next try comes late, however often a listing is wanted."""
    ctx.endpoints = {"north": (cloud := ScriptedCloud(ctx.clock, unreachable=AuthFailed))}
    lister = Lister(cast("Installation", ctx), "north")
    for _ in range(3):
        lister.want()
        lister.round()
    assert lister.pause() == LEASE_SECONDS / 3
    assert cloud.listings == 1


class Sweeping(ScriptedCloud):
    """A cloud where something is always left behind."""

    sweeps = 0

    def sweep(self) -> list[str]:
        """Delete it, or refuse."""
        self.sweeps += 1
        self._reach()
        return ["port p-1"]


def test_a_listing_is_followed_by_a_sweep_now_and_then(ctx: TestContext) -> None:
    """After a complete listing the driver may sweep; not after each."""
    ctx.endpoints = {"north": (cloud := Sweeping(ctx.clock))}
    for _ in range(3):
        Lister(cast("Installation", ctx), "north").round()
    assert (cloud.listings, cloud.sweeps) == (3, 1)
    assert len(events(ctx, "endpoint.swept")) == 1


def test_a_sweep_that_fails_costs_no_listing(ctx: TestContext) -> None:
    """What the cloud refuses to sweep is told in the log, and the round is over as usual."""

    class Unswept(Sweeping):
        def sweep(self) -> list[str]:
            raise Throttled("slower")

    ctx.endpoints = {"north": Unswept(ctx.clock)}
    lister = Lister(cast("Installation", ctx), "north")
    lister.round()
    assert lister.pause() > 1


def test_no_sweep_after_a_failed_listing(ctx: TestContext) -> None:
    """Where the listing failed, nothing is deleted."""
    ctx.endpoints = {"north": (cloud := Sweeping(ctx.clock, unreachable=Throttled))}
    Lister(cast("Installation", ctx), "north").round()
    assert cloud.sweeps == 0
