import pytest
from msgspec.structs import replace

from vmdirac_py.lifecycle.observe import ABSENT, Sighting, observe
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Move, Vm, VmState

ENDPOINT = Endpoint("cloud", "local", "Site", listing_lag=60.0)
POOL = Pool("pool", "cloud", "vo", "Site", "f", "i", Resources(8, 16000))
OLD = Vm("vm-1", "b", "cloud", "pool", "vo", POOL.resources, VmState.RUNNING, 500.0, 0.0, 9e9, instance_id="i-1")
LIVE = [state for state in VmState if state is not VmState.HALTED]


def seen(vm: Vm, sighting: Sighting, at: float = 1000.0) -> Move | None:
    """What one sighting does."""
    return observe(vm, sighting, at=at, pool=POOL, endpoint=ENDPOINT)


@pytest.mark.parametrize("state", LIVE)
def test_a_terminal_instance_halts_its_vm_and_keeps_the_fault(state: VmState) -> None:
    """Whatever the VM was, an ended instance makes it Halted with the cloud's words."""
    step = seen(replace(OLD, state=state), Sighting(present=True, terminal=True, word="ERROR", fault="no host"))
    assert step
    assert step.to is VmState.HALTED
    assert step.reason.as_dict == {"state": "ERROR", "fault": "no host"}


@pytest.mark.parametrize("state", LIVE)
def test_absence_from_two_listings_halts(state: VmState) -> None:
    """An instance two complete listings lack is gone."""
    step = seen(replace(OLD, state=state, missed_listings=2), ABSENT)
    assert step
    assert step.to is VmState.HALTED


@pytest.mark.parametrize(
    "vm",
    [
        replace(OLD, missed_listings=1),
        replace(OLD, missed_listings=5, instance_id=""),
        replace(OLD, missed_listings=2, created_at=960.0),
        replace(OLD, missed_listings=2, state=VmState.SUBMITTED, state_since=960.0),
    ],
    ids=["one listing", "no instance yet", "younger than the lag", "answered within the lag"],
)
def test_weak_absence_means_nothing(vm: Vm) -> None:
    """One missed listing, an unbound VM or a lagging listing halt nobody."""
    assert seen(vm, ABSENT) is None


def test_seeing_the_instance_of_a_new_vm_means_the_cloud_took_it() -> None:
    """A lost answer is settled by the listing."""
    step = seen(replace(OLD, state=VmState.NEW), Sighting(present=True, address="10.0.0.1"))
    assert step
    assert step.to is VmState.SUBMITTED


@pytest.mark.parametrize("state", [VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING])
def test_what_the_cloud_could_not_build_failed(state: VmState) -> None:
    """A VM on its way whose instance never will run is Failed at once, for the cloud's reason; its instance must go."""
    failed = Sighting(present=True, word="ERROR", fault="No valid host", failed="no_capacity")
    step = seen(replace(OLD, state=state), failed)
    assert step
    assert step.to is VmState.FAILED
    assert step.reason.as_dict == {"error": "no_capacity", "fault": "No valid host"}


@pytest.mark.parametrize("state", [VmState.RUNNING, VmState.DRAINING, VmState.STALLED, VmState.STOPPING])
def test_an_error_does_not_end_what_ran(state: VmState) -> None:
    """A VM that ran is not given up because its cloud says it is in an error: its heartbeat decides."""
    assert seen(replace(OLD, state=state), Sighting(present=True, word="ERROR", failed="unavailable")) is None


@pytest.mark.parametrize("state", [state for state in VmState if state is not VmState.NEW])
def test_a_present_instance_changes_nothing_else(state: VmState) -> None:
    """The cloud's listing alone neither starts nor ends anything that lives."""
    assert seen(replace(OLD, state=state), Sighting(present=True)) is None


def test_halted_stays_halted() -> None:
    """No sighting wakes a halted VM."""
    assert seen(replace(OLD, state=VmState.HALTED), Sighting(present=True, terminal=True)) is None


@pytest.mark.parametrize(
    ("state", "to"),
    [
        (VmState.SUBMITTED, VmState.STOPPING),
        (VmState.CONTEXTUALISING, VmState.STOPPING),
        (VmState.RUNNING, VmState.DRAINING),
    ],
)
def test_a_vm_the_cloud_will_take_away_takes_no_more(state: VmState, to: VmState) -> None:
    """An announced end drains what runs and stops what only boots, with the cloud's words as the reason."""
    step = seen(replace(OLD, state=state), Sighting(present=True, leaving="spot interruption at noon"))
    assert step
    assert step.to is to
    assert step.reason.code == "observed.leaving"
    assert step.reason.as_dict == {"notice": "spot interruption at noon"}


@pytest.mark.parametrize("state", [VmState.DRAINING, VmState.STALLED, VmState.STOPPING, VmState.FAILED])
def test_an_announced_end_changes_nothing_for_who_leaves_anyway(state: VmState) -> None:
    """A VM on its way out goes on as it was; a silent one keeps its own deadline."""
    assert seen(replace(OLD, state=state), Sighting(present=True, leaving="soon")) is None


def test_an_end_is_more_than_its_announcement() -> None:
    """An instance that ended halts its VM, announced or not."""
    step = seen(OLD, Sighting(present=True, terminal=True, leaving="soon"))
    assert step
    assert step.to is VmState.HALTED
