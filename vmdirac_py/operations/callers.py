"""The VM that asks for something: who it is in the ledger, and one guarded step of its life.

NotAllowed
└── VmGone      the VM's life is over in the ledger; it should power off
"""

from __future__ import annotations

from vmdirac_py.base.errors import NotAllowed, TryAgain, UnknownThing
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import move, rules_for
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

OVER = frozenset({VmState.HALTED, VmState.FAILED})
WAKING = frozenset({VmState.CONTEXTUALISING, VmState.STALLED})  # a sign of life moves a VM on from these
LIVING = frozenset({VmState.CONTEXTUALISING, VmState.RUNNING, VmState.DRAINING, VmState.STALLED})


class VmGone(NotAllowed):
    """The VM's life is over in the ledger; it should power off."""

    def __init__(self, vm: Vm) -> None:
        super().__init__(f"this VM is {vm.state}", where=vm.id, mend="power it off; a new VM enrols with a new token")


DRAIN = "drain"


def actor_of(vm_id: str) -> str:
    """Return how a VM is called as an actor in events and histories."""
    return f"vm:{vm_id}"


def known(tx: Transaction, vm_id: str, *, vo: str) -> Vm:
    """Return the ledger's row of a VM whose certificate says `vo`.

    Raises:
        UnknownThing: the ledger does not know it.
        NotAllowed: it belongs to another VO.
        VmGone: its life is over.
    """
    vm = caller(tx, vm_id)
    if vm.vo != vo:
        raise NotAllowed("the certificate names another VO than the ledger", where=vm_id)
    return vm


def caller(tx: Transaction, vm_id: str) -> Vm:
    """Return the ledger's row of the VM that asks. Raises UnknownThing, VmGone."""
    vm = tx.vms.get(vm_id)
    if vm is None:
        raise UnknownThing("the ledger knows no such VM", where=vm_id)
    if vm.state in OVER:
        raise VmGone(vm)
    return vm


def step(
    tx: Transaction, inventory: Inventory, vm: Vm, to: VmState, reason: Reason, *, topic: str, actor: str, at: float
) -> None:
    """Move the VM on and tell so by an event. Raises TryAgain when it moved meanwhile."""
    rules = rules_for(vm, inventory)
    wanted = move(vm, to, reason, pool=rules.pool, endpoint=rules.endpoint, at=at)
    if not tx.vms.move([wanted], actor=actor, at=at):
        raise TryAgain(f"the VM is no longer {vm.state}", where=vm.id, mend="ask again")
    data = {"was": vm.state, "to": to, "pool": vm.pool, **reason.as_dict}
    tx.events.append(topic, subject=vm.id, actor=actor, data=data)


def wake(tx: Transaction, inventory: Inventory, vm: Vm, *, at: float) -> VmState:
    """Take in a sign of life (a heartbeat, or asking for a job), and return the state the VM is in with it.

    A VM that was told to drain before it fell silent comes back Draining.
    """
    if vm.state not in WAKING:
        return vm.state
    tx.vms.seen([vm.id], at=at)
    draining = any(command.verb == DRAIN for command in tx.commands.of(vm.id))
    to = VmState.DRAINING if draining else VmState.RUNNING
    topic = "vm.running" if vm.state is VmState.CONTEXTUALISING else "vm.resumed"
    step(tx, inventory, vm, to, Reason.of(topic), topic=topic, actor=actor_of(vm.id), at=at)
    return to
