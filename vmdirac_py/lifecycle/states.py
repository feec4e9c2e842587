"""How a VM may move from state to state, and how long it may stay in each: two tables and one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vmdirac_py.base.errors import Conflict
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Move, Vm, VmState

NEW, SUBMITTED, CONTEXTUALISING = VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING
RUNNING, DRAINING, STALLED = VmState.RUNNING, VmState.DRAINING, VmState.STALLED
STOPPING, FAILED, HALTED = VmState.STOPPING, VmState.FAILED, VmState.HALTED

ALIVE = frozenset({NEW, SUBMITTED, CONTEXTUALISING, RUNNING})
"""States in which a VM runs jobs or is going to."""
BOOTING = frozenset({NEW, SUBMITTED, CONTEXTUALISING})


def occupies(vm: Vm) -> bool:
    """Tell whether a VM counts against limits and costs: it has an instance, or may yet get one."""
    return vm.state is not HALTED and (vm.state is not FAILED or bool(vm.instance_id))


CREATE_MARGIN = 60.0
STOP_AGAIN = 120.0
FAILED_REST = 60.0


class ForbiddenMove(Conflict):
    """No edge leads from the VM's state to the wanted one."""


# state -> the states it may move to, each with what causes the move.
# Stopping moves to itself when a termination had no effect in time and is asked for again.
EDGES: Mapping[VmState, Mapping[VmState, str]] = MappingProxyType(
    {
        NEW: {
            SUBMITTED: "the cloud took it, or its instance was seen",
            CONTEXTUALISING: "it enrolled before the cloud's answer was committed",
            STOPPING: "somebody asked for its end",
            FAILED: "the cloud refused it, or its request was lost",
            HALTED: "its instance ended",
        },
        SUBMITTED: {
            CONTEXTUALISING: "it enrolled",
            STOPPING: "somebody asked for its end",
            FAILED: "it did not enrol in time, or the cloud could not build it",
            HALTED: "its instance ended",
        },
        CONTEXTUALISING: {
            RUNNING: "it is ready for jobs",
            DRAINING: "it shall take no jobs",
            STOPPING: "somebody asked for its end",
            FAILED: "it was not ready in time, or found itself unfit",
            HALTED: "its instance ended",
        },
        RUNNING: {
            DRAINING: "it shall take no more jobs",
            STOPPING: "it is idle, or somebody asked for its end",
            STALLED: "its heartbeat stopped",
            HALTED: "its instance ended",
        },
        DRAINING: {
            STOPPING: "it is empty, or its drain took too long",
            STALLED: "its heartbeat stopped",
            HALTED: "its instance ended",
        },
        STALLED: {
            RUNNING: "its heartbeat came back",
            DRAINING: "its heartbeat came back, and it was draining",
            STOPPING: "it stayed silent",
            HALTED: "its instance ended",
        },
        STOPPING: {
            STOPPING: "its instance is still there; asked again",
            HALTED: "its instance ended",
        },
        FAILED: {
            STOPPING: "it has an instance that must go",
            HALTED: "there is nothing of it left",
        },
        HALTED: {},
    }
)

Until = Callable[[Vm, Pool, Endpoint, float], float]

# state -> until when (epoch seconds) a VM entering it now may stay there.
DEADLINES: Mapping[VmState, Until] = MappingProxyType(
    {
        NEW: lambda _vm, _pool, endpoint, at: at + create_seconds(endpoint),
        SUBMITTED: lambda _vm, pool, _endpoint, at: at + pool.boot_deadline,
        CONTEXTUALISING: lambda _vm, pool, _endpoint, at: at + pool.boot_deadline,
        # A VM's life counts from its making, so that a silent spell does not prolong it.
        RUNNING: lambda vm, pool, _endpoint, _at: vm.created_at + pool.max_life,
        DRAINING: lambda _vm, pool, _endpoint, at: at + pool.drain_seconds,
        STALLED: lambda _vm, pool, _endpoint, at: at + pool.stalled_after,
        STOPPING: lambda _vm, _pool, _endpoint, at: at + STOP_AGAIN,
        FAILED: lambda _vm, _pool, _endpoint, at: at + FAILED_REST,
        HALTED: lambda _vm, _pool, _endpoint, _at: 0.0,
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The pool and endpoint whose times apply to a VM."""

    pool: Pool
    endpoint: Endpoint


def rules_for(vm: Vm, inventory: Inventory) -> Rules:
    """Return the rules of a VM; where its pool or endpoint left the inventory, the defaults, so that it still ends."""
    endpoint = inventory.endpoints.get(vm.endpoint) or Endpoint(vm.endpoint, kind="", site="")
    return Rules(inventory.pools.get(vm.pool) or _departed(vm, endpoint.site), endpoint)


def _departed(vm: Vm, site: str) -> Pool:
    return Pool(vm.pool, vm.endpoint, vm.vo, site, flavor="", image="", resources=vm.resources or Resources())


def create_seconds(endpoint: Endpoint) -> float:
    """Return how long after its intent an instance may still turn up: a lost answer, then a lagging listing."""
    return endpoint.client_timeout + endpoint.listing_lag + CREATE_MARGIN


def deadline(vm: Vm, state: VmState, *, pool: Pool, endpoint: Endpoint, at: float) -> float:
    """Return until when (epoch seconds) the VM may stay in `state` when it enters it at `at`; 0.0: for ever."""
    return DEADLINES[state](vm, pool, endpoint, at)


def move(vm: Vm, to: VmState, reason: Reason, *, pool: Pool, endpoint: Endpoint, at: float) -> Move:
    """Return the transition of `vm` to `to` with the deadline of its new state.

    Raises:
        ForbiddenMove: the table has no such edge.
    """
    if to not in EDGES[vm.state]:
        ways = ", ".join(EDGES[vm.state]) or "nowhere"
        raise ForbiddenMove(f"{vm.state} cannot become {to}", where=vm.id, mend=f"from {vm.state} it can go to: {ways}")
    return Move(vm.id, vm.state, to, reason, deadline(vm, to, pool=pool, endpoint=endpoint, at=at))


def move_by(inventory: Inventory, vm: Vm, to: VmState, reason: Reason, *, at: float) -> Move:
    """Return the transition of `vm` to `to` by the rules the inventory has for it.

    Raises:
        ForbiddenMove: the table has no such edge.
    """
    rules = rules_for(vm, inventory)
    return move(vm, to, reason, pool=rules.pool, endpoint=rules.endpoint, at=at)
