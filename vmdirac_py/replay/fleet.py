"""All VMs of a replay, and their values: a VM's is remade only when it changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from vmdirac_py.lifecycle.states import ALIVE, deadline, move
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity, Move, Vm, VmState

from .agenda import Agenda
from .machine import Machine

Deadline = Callable[[float, Machine, float], None]


class Fleet:
    """Our records of VMs. `passed` is told of each deadline that passes; `alive_of` counts VMs alive by pool and VO."""

    def __init__(self, inventory: Inventory, agenda: Agenda) -> None:
        self._inventory, self._agenda = inventory, agenda
        self._machines: dict[str, Machine] = {}
        self._values: dict[str, Capacity] = {}
        self._changed: dict[Machine, None] = {}
        self._made = 0
        self.alive_of_pool: Counter[str] = Counter()
        self.alive_of_vo: Counter[str] = Counter()
        self.passed: Deadline = _nobody

    def __len__(self) -> int:
        return len(self._machines)

    def get(self, vm: str) -> Machine | None:
        """Return a VM that is in the fleet, by id."""
        return self._machines.get(vm)

    @property
    def alive(self) -> int:
        """Return how many VMs run jobs or are going to."""
        return self.alive_of_vo.total()

    def instances(self) -> list[Machine]:
        """Return the VMs whose instances are there."""
        return [machine for machine in self._machines.values() if machine.accepted_at and not machine.dead]

    def make(self, pool: Pool, batch: str, at: float, soft_end: float) -> Machine:
        """Write a new VM."""
        self._made += 1
        endpoint = self._inventory.endpoints[pool.endpoint]
        machine = Machine(_new(f"vm-{self._made:07}", pool, endpoint, batch, at, soft_end), pool, endpoint, self._made)
        self._machines[machine.vm.id] = machine
        self._count(machine, 1)
        self.touch(machine)
        return machine

    def touch(self, machine: Machine) -> None:
        """Note that the value of a VM is not true any more."""
        self._changed[machine] = None

    def set(self, machine: Machine, to: VmState, reason: Reason, at: float) -> None:
        """Move a VM by the lifecycle's table.

        Raises:
            ForbiddenMove: the table has no such edge.
        """
        self.apply(machine, move(machine.vm, to, reason, pool=machine.pool, endpoint=machine.endpoint, at=at), at)

    def apply(self, machine: Machine, change: Move, at: float) -> None:
        """Carry out a move; a halted VM leaves the fleet."""
        lived = machine.vm.state in ALIVE
        machine.vm = replace(
            machine.vm, state=change.to, state_since=at, deadline=change.deadline, reason=change.reason
        )
        if lived and change.to not in ALIVE:
            self._count(machine, -1)
        if change.to is VmState.HALTED:
            self._drop(machine)
            return
        self.touch(machine)
        self._agenda.note(change.deadline, self.passed, machine, change.deadline)

    def soften(self, machine: Machine, until: float) -> None:
        """Give a VM a soft end (epoch), or none (0.0)."""
        machine.vm = replace(machine.vm, soft_end=until)
        self.touch(machine)

    def bind(self, machine: Machine) -> None:
        """Note that a VM has an instance."""
        machine.vm = replace(machine.vm, instance_id=f"i-{machine.seq}")
        self.touch(machine)

    def values(self) -> tuple[Capacity, ...]:
        """Return the fleet of this moment, oldest first."""
        for machine in self._changed:
            self._values[machine.vm.id] = machine.capacity()
        self._changed.clear()
        return tuple(self._values.values())

    def _drop(self, machine: Machine) -> None:
        del self._machines[machine.vm.id]
        self._values.pop(machine.vm.id, None)
        self._changed.pop(machine, None)

    def _count(self, machine: Machine, sign: int) -> None:
        self.alive_of_pool[machine.pool.name] += sign
        self.alive_of_vo[machine.pool.vo] += sign


def _new(name: str, pool: Pool, endpoint: Endpoint, batch: str, at: float, soft_end: float) -> Vm:
    vm = Vm(name, batch, endpoint.name, pool.name, pool.vo, pool.resources, VmState.NEW, at, at, 0.0, soft_end=soft_end)
    return replace(vm, deadline=deadline(vm, VmState.NEW, pool=pool, endpoint=endpoint, at=at))


def _nobody(_at: float, _machine: Machine, _deadline: float) -> None:
    raise AssertionError("nobody listens to deadlines")
