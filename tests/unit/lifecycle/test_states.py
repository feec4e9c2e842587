import pytest

from vmdirac_py.lifecycle.states import DEADLINES, EDGES, ForbiddenMove, create_seconds, deadline, move, rules_for
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Vm, VmState

ENDPOINT = Endpoint("cloud", "local", "Site", client_timeout=10.0, listing_lag=20.0)
POOL = Pool("pool", "cloud", "vo", "Site", "f", "i", Resources(8, 16000))
WHY = Reason.of("deadline.boot")


def vm(state: VmState, *, created_at: float = 1000.0, pool: str = "pool") -> Vm:
    """A VM in this state."""
    return Vm("vm-1", "b-1", "cloud", pool, "vo", POOL.resources, state, created_at, created_at, 0.0)


def ways_out(state: VmState) -> set[VmState]:
    """Every state reachable from `state`."""
    seen: set[VmState] = set()
    front = {state}
    while front:
        front = {to for at in front for to in EDGES[at]} - seen
        seen |= front
    return seen


@pytest.mark.parametrize("state", [state for state in VmState if state is not VmState.HALTED])
def test_every_state_but_halted_leads_to_halted(state: VmState) -> None:
    """No state is a dead end."""
    assert VmState.HALTED in ways_out(state)


def test_halted_is_the_end() -> None:
    """A halted VM never comes back."""
    assert not EDGES[VmState.HALTED]


@pytest.mark.parametrize("state", list(VmState))
def test_every_state_stands_in_both_tables(state: VmState) -> None:
    """Every state has edges and a deadline, and each edge says what causes it."""
    assert state in DEADLINES
    assert all(EDGES[state].values())


@pytest.mark.parametrize("state", [state for state in VmState if state is not VmState.HALTED])
def test_every_state_but_halted_ends_some_day(state: VmState) -> None:
    """Every stay is bounded."""
    assert deadline(vm(VmState.NEW), state, pool=POOL, endpoint=ENDPOINT, at=2000.0) > 2000.0


@pytest.mark.parametrize("was", list(VmState))
@pytest.mark.parametrize("to", list(VmState))
def test_only_edges_of_the_table_can_be_moved_along(was: VmState, to: VmState) -> None:
    """`move` follows the table exactly."""
    if to in EDGES[was]:
        step = move(vm(was), to, WHY, pool=POOL, endpoint=ENDPOINT, at=2000.0)
        assert (step.vm, step.was, step.to, step.reason) == ("vm-1", was, to, WHY)
    else:
        with pytest.raises(ForbiddenMove, match="vm-1"):
            move(vm(was), to, WHY, pool=POOL, endpoint=ENDPOINT, at=2000.0)


def test_create_deadline_covers_a_lost_answer_and_a_lagging_listing() -> None:
    """A New VM is given up only after its instance would have been listed."""
    assert create_seconds(ENDPOINT) == 10.0 + 20.0 + 60.0


def test_a_silent_spell_does_not_prolong_life() -> None:
    """A VM that comes back from Stalled still ends `max_life` after its making."""
    back = move(vm(VmState.STALLED), VmState.RUNNING, WHY, pool=POOL, endpoint=ENDPOINT, at=9000.0)
    assert back.deadline == 1000.0 + POOL.max_life


def test_a_vm_of_a_departed_pool_still_has_rules() -> None:
    """A VM whose pool left the inventory is still brought to its end."""
    rules = rules_for(vm(VmState.RUNNING, pool="gone"), Inventory("f", {}, {"cloud": ENDPOINT}, {}))
    assert (rules.pool.name, rules.pool.resources, rules.endpoint) == ("gone", POOL.resources, ENDPOINT)
