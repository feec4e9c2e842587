import pytest
from msgspec.structs import replace

from vmdirac_py.lifecycle.overdue import Alarm, overdue
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Move, Vm, VmState

ENDPOINT = Endpoint("cloud", "local", "Site")
POOL = Pool("pool", "cloud", "vo", "Site", "f", "i", Resources(8, 16000), stalled_after=600.0)
VM = Vm("vm-1", "b", "cloud", "pool", "vo", POOL.resources, VmState.RUNNING, 0.0, 0.0, 1000.0, instance_id="i-1")


def aged(vm: Vm, at: float, *, busy: int = 0, beat: float | None = None, pool: Pool = POOL) -> Move | Alarm | None:
    """What time does to a VM that, unless told, has just beaten."""
    last = at if beat is None else beat
    return overdue(vm, at=at, pool=pool, endpoint=ENDPOINT, busy_slots=busy, last_heartbeat=last)


@pytest.mark.parametrize(
    ("state", "instance", "to"),
    [
        (VmState.NEW, "", VmState.FAILED),
        (VmState.NEW, "i-1", VmState.STOPPING),
        (VmState.SUBMITTED, "i-1", VmState.FAILED),
        (VmState.CONTEXTUALISING, "i-1", VmState.FAILED),
        (VmState.RUNNING, "i-1", VmState.DRAINING),
        (VmState.DRAINING, "i-1", VmState.STOPPING),
        (VmState.STALLED, "i-1", VmState.STOPPING),
        (VmState.STOPPING, "i-1", VmState.STOPPING),
        (VmState.FAILED, "i-1", VmState.STOPPING),
        (VmState.FAILED, "", VmState.HALTED),
    ],
)
def test_a_passed_deadline_has_a_way_out(state: VmState, instance: str, to: VmState) -> None:
    """Every state is left when its deadline passes, and what has an instance is terminated."""
    step = aged(replace(VM, state=state, instance_id=instance), 1000.0)
    assert isinstance(step, Move)
    assert step.to is to


@pytest.mark.parametrize("state", list(VmState))
def test_before_the_deadline_nothing_happens(state: VmState) -> None:
    """A VM that beats is left alone until its deadline."""
    assert aged(replace(VM, state=state), 999.0) is None


@pytest.mark.parametrize(
    "state",
    [VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING, VmState.DRAINING, VmState.FAILED],
)
def test_a_busy_vm_raises_an_alarm_instead(state: VmState) -> None:
    """A deadline kills no payload."""
    alarm = aged(replace(VM, state=state), 1000.0, busy=2)
    assert isinstance(alarm, Alarm)
    assert alarm.reason.as_dict["slots"] == 2


def test_kill_busy_lets_a_drain_end_by_force() -> None:
    """A pool that says so ends payloads when the drain takes too long."""
    step = aged(replace(VM, state=VmState.DRAINING), 1000.0, busy=2, pool=replace(POOL, kill_busy=True))
    assert isinstance(step, Move)
    assert step.to is VmState.STOPPING


def test_end_of_life_drains_even_a_busy_vm() -> None:
    """Draining lets payloads finish, so it needs no alarm."""
    step = aged(VM, 1000.0, busy=2)
    assert isinstance(step, Move)
    assert step.to is VmState.DRAINING


@pytest.mark.parametrize("state", [VmState.RUNNING, VmState.DRAINING])
def test_silence_stalls(state: VmState) -> None:
    """No heartbeat for `stalled_after` makes a VM Stalled, busy or not."""
    step = aged(replace(VM, state=state), 700.0, busy=1, beat=99.0)
    assert isinstance(step, Move)
    assert (step.to, step.deadline) == (VmState.STALLED, 1300.0)


def test_a_vm_that_just_became_running_is_not_silent() -> None:
    """Silence counts from the change of state where no heartbeat came yet."""
    assert aged(replace(VM, state_since=650.0), 700.0, beat=0.0) is None


def test_a_stalled_busy_vm_raises_an_alarm() -> None:
    """Silence does not prove that payloads are lost: only a pool that says so, or a person, ends them."""
    silent = replace(VM, state=VmState.STALLED)
    assert isinstance(aged(silent, 1000.0, busy=3, beat=0.0), Alarm)
