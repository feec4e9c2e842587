"""What instances left behind: swept now and then, by drivers that know how to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.context import TestContext, add_batch, events
from vmdirac_py.clouds.api import CloudError, Mark, Unavailable
from vmdirac_py.model.batch import BatchState
from vmdirac_py.operations import listings
from vmdirac_py.operations.sweeping import SWEEP_SECONDS, sweep


@dataclass
class Sweeping(ScriptedCloud):
    """A cloud where things are left behind."""

    left: list[str] = field(default_factory=list)
    sweeps: int = 0

    def sweep(self) -> Sequence[str]:
        """Delete what is left."""
        self.sweeps += 1
        self._reach()
        deleted, self.left = self.left, []
        return deleted


@pytest.fixture
def swept(ctx: TestContext) -> Sweeping:
    """Return the cloud behind `north`."""
    double = Sweeping(ctx.clock, left=["volume v-1", "port p-1"])
    ctx.endpoints = {"north": double}
    return double


@pytest.mark.usefixtures("swept")
def test_what_was_deleted_is_told(ctx: TestContext) -> None:
    """The driver's words are returned, and are one event of the endpoint."""
    assert sweep(ctx, "north", actor="test") == ["volume v-1", "port p-1"]
    (event,) = events(ctx, "endpoint.swept")
    assert (event.subject, event.actor) == ("north", "test")
    assert event.data == {"count": 2, "deleted": ["volume v-1", "port p-1"]}


def test_nothing_left_is_no_event(ctx: TestContext, swept: Sweeping) -> None:
    """A sweep that found nothing is not worth a word."""
    swept.left = []
    assert sweep(ctx, "north", actor="test") == []
    assert events(ctx, "endpoint.swept") == []


def test_it_is_done_rarely(ctx: TestContext, swept: Sweeping) -> None:
    """However often it is asked for, the cloud is asked once in so many minutes."""
    for _ in range(3):
        sweep(ctx, "north", actor="test")
    assert swept.sweeps == 1
    ctx.clock.advance(SWEEP_SECONDS)
    sweep(ctx, "north", actor="test")
    assert swept.sweeps == 2


def test_a_refused_sweep_waits_as_long(ctx: TestContext, swept: Sweeping) -> None:
    """A cloud that refused is not asked again at once."""
    swept.unreachable = Unavailable
    with pytest.raises(CloudError):
        sweep(ctx, "north", actor="test")
    assert sweep(ctx, "north", actor="test") == ()
    assert swept.sweeps == 1


@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("state", [BatchState.CLAIMED, BatchState.UNKNOWN])
def test_not_while_a_launch_is_in_flight(ctx: TestContext, state: BatchState) -> None:
    """Parts of instances that are just being made belong to none yet; as soon as it is over, it is swept."""
    batch = add_batch(ctx, state=state)
    assert sweep(ctx, "north", actor="test") == ()
    with ctx.ledger.write() as tx:
        tx.batches.settle(batch.id, (state,), BatchState.CLOSED, at=ctx.clock.now())
    assert sweep(ctx, "north", actor="test")


def test_not_where_the_ledger_is_blind(ctx: TestContext, swept: Sweeping) -> None:
    """A ledger that does not know what lives there deletes nothing at all."""
    swept.add(Mark("inst-test", "b-unheard", "astro", "astro-8"))
    listings.observe(ctx, "north")
    assert sweep(ctx, "north", actor="test") == ()
    assert swept.sweeps == 0


def test_a_driver_without_the_capability_is_not_asked(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Where a driver sweeps nothing, nothing happens."""
    assert not hasattr(cloud, "sweep")
    assert sweep(ctx, "north", actor="test") == ()
