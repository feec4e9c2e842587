"""Acting on one endpoint: one run at a time, which also sends what is decided while it is at work."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from vmdirac_py.lifecycle.budget import ENDPOINT_BACKOFF, UNLIMITED, Budget, after, allow
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import VmState

from .cloud import Answer
from .instances import Instances
from .lives import Lives
from .machine import Machine
from .world import World

STAY_SECONDS = 20.0
"""For so long a run goes on looking for more to send (`operations/written.py`); what comes later waits for the next."""
Batch = tuple[Pool, Sequence[Machine]]


class Actor:
    """What the runs of an endpoint do. `guarded`: a refusal also speaks for the batches written before it."""

    def __init__(self, world: World, instances: Instances, lives: Lives, endpoint: Endpoint, *, guarded: bool) -> None:
        self._world, self._instances, self._lives = world, instances, lives
        self._endpoint, self._guarded = endpoint, guarded
        self._launches: deque[Batch] = deque()
        self._retires: list[Machine] = []
        self._running, self._until = False, 0.0
        self._budget: Budget = UNLIMITED

    def launch(self, pool: Pool, machines: Sequence[Machine], at: float) -> None:
        """Let new VMs be asked for."""
        self._launches.append((pool, machines))
        self._begin(at)

    def retire(self, machine: Machine, at: float) -> None:
        """Let a VM be ended."""
        self._retires.append(machine)
        self._begin(at)

    def _begin(self, at: float) -> None:
        if not self._running:
            self._running = True
            self._world.agenda.note(at + self._world.scenario.act_seconds, self._act)

    def _act(self, at: float) -> None:
        """Send what is written: VMs that shall end in one call, then batch by batch, one call after the other."""
        retires, self._retires = self._retires, []
        if retires and self._world.cloud.terminate(self._endpoint.name, at=at):
            for machine in retires:
                self._instances.end(machine, at)
        self._until = at + STAY_SECONDS
        self._send(at, self._take())

    def _take(self) -> deque[Batch]:
        batches, self._launches = self._launches, deque()
        return batches

    def _send(self, at: float, batches: deque[Batch]) -> None:
        if not batches and at < self._until:
            batches = self._take()
        if batches:
            self._send_one(at, batches)
            return
        self._running = False
        if self._launches or self._retires:
            self._begin(at)

    def _send_one(self, at: float, batches: deque[Batch]) -> None:
        pool, machines = batches.popleft()
        if self._hindered(len(machines), at):
            self._settle(at, pool, machines, Answer((), len(machines), None))
            self._send(at, batches)
        else:
            answered = at + self._world.cloud.call_seconds(self._endpoint.name, at)
            self._world.agenda.note(answered, self._answered, pool, machines, batches)

    def _hindered(self, wanted: int, at: float) -> bool:
        return self._guarded and not allow(self._budget, wanted, at, scope=self._endpoint.name)[0]

    def _answered(self, at: float, pool: Pool, machines: Sequence[Machine], batches: deque[Batch]) -> None:
        answer = self._world.cloud.launch(pool, len(machines), at=at)
        for machine, birth in zip(machines, answer.births, strict=False):
            self._instances.accepted(machine, birth, at)
        if answer.error is ErrorClass.LOST:
            told = self._world.cloud.shown_at(self._endpoint.name, at + self._endpoint.client_timeout)
            self._world.agenda.note(told, self._settle, pool, machines, answer)
        else:
            self._settle(at, pool, machines, answer)
        self._send(at, batches)

    def _settle(self, at: float, pool: Pool, machines: Sequence[Machine], answer: Answer) -> None:
        given = len(answer.births)
        for machine in machines[:given]:
            self._lives.known(machine, at)
        for machine in machines[given:]:
            self._world.fleet.set(machine, VmState.FAILED, _REFUSED, at)
        outcome = self._world.news.answered(at, pool, given, answer.refused, answer.error)
        self._budget = after(self._budget, outcome, ENDPOINT_BACKOFF)


_REFUSED = Reason.of("launch.refused", endpoint="", error_class="")
