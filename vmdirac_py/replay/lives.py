"""The lives of VMs: they boot, take jobs, leave by themselves, die, and are found gone."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from vmdirac_py.lifecycle.observe import Sighting, observe
from vmdirac_py.lifecycle.overdue import overdue
from vmdirac_py.lifecycle.states import EDGES
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, VmState
from vmdirac_py.worker import policy

from .cloud import Birth
from .machine import Machine
from .world import World

ENROLS_AFTER = 0.5
"""Share of a boot after which a VM enrols."""
SLACK = 0.001
"""Seconds by which a VM looks later than its limit, so that rounding cannot make it look too early."""
ON_THE_WAY = frozenset({VmState.SUBMITTED, VmState.CONTEXTUALISING})
ENDED = Sighting(present=True, terminal=True, word="ended")
GoneWith = Callable[[Machine, float], None]


class Lives:
    """Everything that happens to VMs with an instance.

    `broken` is told of each VM whose payloads end with it, `requeue` of each that is found gone, `retire` of each that
    the cloud must be asked to end.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        world.fleet.passed = self._deadline
        self.broken: Callable[[Machine], None]
        self.requeue: GoneWith
        self.retire: GoneWith

    def accepted(self, machine: Machine, birth: Birth, at: float) -> None:
        """The cloud has made an instance for a VM, whether we know it yet or not."""
        agenda = self._world.agenda
        machine.accepted_at = at
        self._world.accounts.accepted(machine)
        if birth.ready_at < inf:
            agenda.note(at + (birth.ready_at - at) * ENROLS_AFTER, self._enrolled, machine)
            agenda.note(birth.ready_at, self._ready, machine)
        if birth.notice_at < inf:
            agenda.note(birth.notice_at, self._noticed, machine)
        if birth.dies_at < inf:
            agenda.note(birth.dies_at, self._died, machine)

    def known(self, machine: Machine, at: float) -> None:
        """We learn of the instance of a VM: by the cloud's answer, a listing, or its enrolment."""
        if not machine.vm.instance_id:
            self._world.fleet.bind(machine)
        if machine.vm.state is VmState.NEW:
            self._world.fleet.set(machine, VmState.SUBMITTED, _ACCEPTED, at)

    def drain(self, machine: Machine, reason: Reason, at: float) -> None:
        """Let a VM take no more jobs, if its state allows."""
        if VmState.DRAINING in EDGES[machine.vm.state] and machine.vm.state is not VmState.STALLED:
            self._world.fleet.set(machine, VmState.DRAINING, reason, at)
            self._world.matching.close(machine)
            self._look(at, machine)

    def freed(self, machine: Machine, at: float) -> None:
        """A payload of a VM has ended by itself."""
        if machine.vm.state is VmState.RUNNING and not self._ending(machine, at):
            self._world.matching.open(machine, at)
            self._rests(machine, at)
        elif not machine.slots:
            self._look(at, machine)

    def end(self, machine: Machine, at: float) -> None:
        """A VM ends, by itself or because the cloud was asked: a little later it is gone."""
        machine.leaving = True
        self._world.agenda.note(at + self._world.scenario.termination_seconds, self._gone, machine)

    def _enrolled(self, at: float, machine: Machine) -> None:
        if not machine.dead and machine.vm.state in {VmState.NEW, VmState.SUBMITTED}:
            self.known(machine, at)
            self._world.fleet.set(machine, VmState.CONTEXTUALISING, _ENROLLED, at)

    def _ready(self, at: float, machine: Machine) -> None:
        if machine.dead:
            return
        if machine.vm.state is VmState.CONTEXTUALISING:
            world = self._world
            world.fleet.set(machine, VmState.RUNNING, _READY, at)
            machine.idle_since = at
            world.news.booted(at, machine.pool, at - machine.accepted_at)
            world.matching.open(machine, at)
            world.agenda.note(self._life_margin(machine), self._closing, machine)
            self._rests(machine, at)
        elif machine.vm.state is VmState.DRAINING:
            self._look(at, machine)

    def _rests(self, machine: Machine, since: float) -> None:
        if not machine.slots:
            due = since + machine.pool.idle_seconds + SLACK
            self._world.agenda.note(due, self._rested, machine, machine.idle_since)

    def _rested(self, at: float, machine: Machine, since: float) -> None:
        if machine.idle_since == since and machine.vm.state is VmState.RUNNING:
            self._look(at, machine)

    def _life_margin(self, machine: Machine) -> float:
        return machine.vm.created_at + machine.pool.max_life - policy.margin(machine.pool.max_life) + SLACK

    def _ending(self, machine: Machine, at: float) -> bool:
        return policy.ending(machine.life_left(at), machine.pool.max_life)

    def _closing(self, at: float, machine: Machine) -> None:
        self._world.matching.close(machine)
        self._look(at, machine)

    def _look(self, at: float, machine: Machine) -> None:
        """Let the worker decide whether its VM stops now."""
        if machine.dead or machine.leaving or machine.vm.state not in {VmState.RUNNING, VmState.DRAINING}:
            return
        why = policy.decide(_state(machine, at))
        if why in policy.MAY_BE_KEPT and self._kept(machine):
            self._rests(machine, at)
        elif why:
            self._world.matching.close(machine)
            self._world.fleet.set(machine, VmState.STOPPING, Reason.of("vm.left", reason=why, detail=""), at)
            self._world.news.happened(at, machine.vm.vo)
            self.end(machine, at)

    def _kept(self, machine: Machine) -> bool:
        pool = machine.pool
        return not self._world.over and self._world.fleet.alive_of_pool[pool.name] <= pool.min_vms

    def _noticed(self, at: float, machine: Machine) -> None:
        if not machine.dead:
            self.drain(machine, Reason.of("spot.notice", pool=machine.pool.name), at)

    def _died(self, at: float, machine: Machine) -> None:
        if not machine.dead and not machine.leaving:
            self._world.accounts.lost += 1
        self._gone(at, machine)

    def _gone(self, at: float, machine: Machine) -> None:
        if machine.dead:
            return
        machine.dead = True
        self.broken(machine)
        self._world.matching.close(machine)
        self._world.accounts.gone(machine, at)
        self._world.cloud.gone(machine.pool)
        self._world.agenda.note(self._world.cloud.shown_at(machine.pool.endpoint, at), self._found, machine)

    def _found(self, at: float, machine: Machine) -> None:
        change = observe(machine.vm, ENDED, at=at, pool=machine.pool, endpoint=machine.endpoint)
        if change is None:
            return
        if machine.vm.state in ON_THE_WAY:
            self._world.news.stillborn(at, machine.pool, at - machine.accepted_at)
        self._world.fleet.apply(machine, change, at)
        self.requeue(machine, at)
        self._world.news.happened(at, machine.vm.vo)

    def _deadline(self, at: float, machine: Machine, deadline: float) -> None:
        vm = machine.vm
        if vm.deadline != deadline or machine.dead or machine.leaving or vm.state in {VmState.NEW, VmState.HALTED}:
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
        self._world.fleet.apply(machine, change, at)
        self._world.news.happened(at, machine.vm.vo)
        if change.to is VmState.FAILED:
            self._world.news.stillborn(at, machine.pool, at - machine.accepted_at)
        elif change.to is VmState.STOPPING:
            self.retire(machine, at)
        else:
            self._look(at, machine)


def _state(machine: Machine, at: float) -> policy.State:
    """Return what the worker's rules look at; in a replay every report arrives, and every idle VM has asked in vain."""
    return policy.State(
        busy=len(machine.slots),
        undelivered=0,
        failed_matches=1,
        idle_seconds=0.0 if machine.slots else at - machine.idle_since,
        idle_limit=machine.pool.idle_seconds,
        seconds_left=machine.life_left(at),
        max_life=machine.pool.max_life,
        draining=machine.vm.state is VmState.DRAINING,
    )


_ACCEPTED = Reason.of("observed.present", state="accepted")
_ENROLLED = Reason.of("vm.enrolled", instance="")
_READY = Reason.of("vm.running")
