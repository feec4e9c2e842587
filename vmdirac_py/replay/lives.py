"""The lives of our records of VMs, by the tables of `lifecycle`."""

from __future__ import annotations

from collections.abc import Callable

from vmdirac_py.lifecycle.observe import Sighting, observe
from vmdirac_py.lifecycle.overdue import overdue
from vmdirac_py.lifecycle.states import EDGES
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, VmState

from .instances import Instances
from .machine import Machine
from .workers import Workers
from .world import World

BOOTING = frozenset({VmState.SUBMITTED, VmState.CONTEXTUALISING})
SETTLED = frozenset({VmState.NEW, VmState.HALTED})
"""States whose deadlines do nothing here: a new VM waits for the answer to its batch, which always comes."""
ENDED = Sighting(present=True, terminal=True, word="ended")


class Lives:
    """Everything that happens to our records of VMs.

    `requeue` is told of each VM that is found gone, `retire` of each that the cloud must be asked to end (both are set
    before use).
    """

    def __init__(self, world: World, instances: Instances, workers: Workers) -> None:
        self._world, self._workers = world, workers
        world.fleet.passed = self._deadline
        instances.enrols, instances.ready = self._enrols, self._ready
        instances.noticed, instances.found = self._noticed, self._found
        self.requeue: Callable[[Machine, float], None]
        self.retire: Callable[[Machine, float], None]

    def known(self, machine: Machine, at: float) -> None:
        """We learn of the instance of a VM: by the cloud's answer, a listing, or its enrolment."""
        if not machine.vm.instance_id and machine.vm.state is not VmState.HALTED:
            self._world.fleet.bind(machine)
        if machine.vm.state is VmState.NEW:
            self._world.fleet.set(machine, VmState.SUBMITTED, _ACCEPTED, at)

    def drain(self, machine: Machine, reason: Reason, at: float) -> None:
        """Let a VM take no more jobs, if it is in a state that can."""
        if VmState.DRAINING in EDGES[machine.vm.state]:
            self._world.matching.close(machine)
            self._world.fleet.set(machine, VmState.DRAINING, reason, at)
            self._workers.look(machine, at)

    def _enrols(self, at: float, machine: Machine) -> None:
        if not machine.dead and machine.vm.state in {VmState.NEW, VmState.SUBMITTED}:
            self.known(machine, at)
            self._world.fleet.set(machine, VmState.CONTEXTUALISING, _ENROLLED, at)

    def _ready(self, at: float, machine: Machine) -> None:
        if not machine.dead and machine.vm.state is VmState.CONTEXTUALISING:
            self._world.fleet.set(machine, VmState.RUNNING, _READY, at)
            self._world.news.booted(at, machine.pool, at - machine.accepted_at)
            self._workers.begin(machine, at)

    def _noticed(self, at: float, machine: Machine) -> None:
        if not machine.dead:
            self.drain(machine, Reason.of("spot.notice", pool=machine.pool.name), at)

    def _found(self, at: float, machine: Machine) -> None:
        change = observe(machine.vm, ENDED, at=at, pool=machine.pool, endpoint=machine.endpoint)
        if change is None:
            return
        if machine.vm.state in BOOTING:
            self._world.news.stillborn(at, machine.pool, at - machine.accepted_at)
        self._world.fleet.apply(machine, change, at)
        self.requeue(machine, at)
        self._world.news.happened(at, machine.vm.vo)

    def _deadline(self, at: float, machine: Machine, deadline: float) -> None:
        vm = machine.vm
        if vm.deadline != deadline or vm.state in SETTLED or machine.dead or machine.leaving:
            return
        verdict = overdue(
            vm,
            at=at,
            pool=machine.pool,
            endpoint=machine.endpoint,
            busy_slots=len(machine.slots),
            last_heartbeat=at,
        )
        if isinstance(verdict, Move):
            self._overdue(machine, verdict, at)

    def _overdue(self, machine: Machine, change: Move, at: float) -> None:
        self._world.matching.close(machine)
        born = machine.vm.state not in BOOTING
        self._world.fleet.apply(machine, change, at)
        self._world.news.happened(at, machine.vm.vo)
        if not born:
            self._world.news.stillborn(at, machine.pool, at - machine.accepted_at)
        elif change.to is VmState.STOPPING:
            self.retire(machine, at)
        else:
            self._workers.look(machine, at)


_ACCEPTED = Reason.of("observed.present", state="accepted")
_ENROLLED = Reason.of("vm.enrolled", instance="")
_READY = Reason.of("vm.running")
