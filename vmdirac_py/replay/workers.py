"""What the workers of a replay do: take jobs while they may, and stop their VM by the rules of `worker/policy.py`."""

from __future__ import annotations

from math import inf

from vmdirac_py.model.inventory import SOFT_END, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import VmState
from vmdirac_py.worker import policy

from .instances import Instances
from .machine import Machine
from .world import World

SLACK = 0.001
"""Seconds by which a VM looks later than its limit, so that rounding cannot make it look too early."""
AT_WORK = frozenset({VmState.RUNNING, VmState.DRAINING})


class Workers:
    """Everything that workers decide."""

    def __init__(self, world: World, instances: Instances) -> None:
        self._world, self._instances = world, instances

    def begin(self, machine: Machine, at: float) -> None:
        """A VM takes jobs from now on."""
        machine.idle_since = at
        max_life = machine.pool.max_life
        closing = machine.vm.created_at + max_life - policy.margin(max_life) + SLACK
        self._world.agenda.note(closing, self._closing, machine)
        if SOFT_END in machine.pool.stop_policies and machine.pool.soft_life is not None:
            self._world.agenda.note(machine.vm.created_at + machine.pool.soft_life + SLACK, self._soft_end, machine)
        self.freed(machine, at)

    def freed(self, machine: Machine, at: float) -> None:
        """A VM has more room than before."""
        takes_jobs = machine.vm.state is VmState.RUNNING
        if takes_jobs and not policy.ending(machine.life_left(at), machine.pool.max_life):
            self._world.matching.open(machine, at)
            self._rests(machine, at)
        elif not machine.slots:
            self.look(machine, at)

    def look(self, machine: Machine, at: float) -> None:
        """Let a worker decide whether its VM stops now."""
        if machine.dead or machine.leaving or machine.vm.state not in AT_WORK:
            return
        why = policy.decide(_state(machine, at))
        if why in policy.MAY_BE_KEPT and self._kept(machine):
            self._rests(machine, at)
        elif why:
            self._world.matching.close(machine)
            self._world.fleet.set(machine, VmState.STOPPING, Reason.of("vm.left", reason=why, detail=""), at)
            self._world.news.happened(at, machine.vm.vo)
            self._instances.end(machine, at)

    def _rests(self, machine: Machine, at: float) -> None:
        """Look again when a VM that rests from now on might have rested for long enough."""
        if not machine.slots:
            fresh = _state(machine, at)._replace(idle_seconds=0.0, quiet_seconds=0.0)
            self._look_later(machine, at, fresh)

    def _look_later(self, machine: Machine, at: float, state: policy.State) -> None:
        questions = _questions(machine.pool) - state.idle_seconds
        later = min(policy.due(state), questions if questions > 0 else inf)
        seconds = 0.0 if policy.decide(state) else later
        if seconds < inf:
            self._world.agenda.note(at + seconds + SLACK, self._rested, machine, machine.idle_since)

    def _rested(self, at: float, machine: Machine, since: float) -> None:
        if machine.idle_since != since or machine.slots:
            return
        if policy.decide(_state(machine, at)):
            self.look(machine, at)
        else:
            self._look_later(machine, at, _state(machine, at))

    def _soft_end(self, at: float, machine: Machine) -> None:
        """A VM that takes no more jobs is Draining, as the manager has it (`operations/presence.py`)."""
        if machine.vm.state is VmState.RUNNING and not machine.dead and not machine.leaving:
            self._world.matching.close(machine)
            self._world.fleet.set(machine, VmState.DRAINING, Reason.of("vm.closed"), at)
            self.look(machine, at)

    def _closing(self, at: float, machine: Machine) -> None:
        self._world.matching.close(machine)
        self.look(machine, at)

    def _kept(self, machine: Machine) -> bool:
        """Tell whether the pool's `min_vms` keeps an idle VM, as the manager does (`operations/presence.py`)."""
        pool = machine.pool
        return not self._world.over and self._world.fleet.alive_of_pool[pool.name] <= pool.min_vms


def _state(machine: Machine, at: float) -> policy.State:
    """Return what the worker's rules look at.

    In a replay every report arrives, an idle VM has asked in vain as often as time allowed, and uses no CPU.
    """
    pool, idle = machine.pool, 0.0 if machine.slots else at - machine.idle_since
    enough = idle >= _questions(pool)
    return policy.State(
        busy=len(machine.slots),
        undelivered=0,
        failed_matches=pool.failed_matches if enough else 1,
        idle_seconds=idle,
        idle_limit=pool.idle_seconds,
        seconds_left=machine.life_left(at),
        max_life=pool.max_life,
        draining=machine.vm.state is VmState.DRAINING,
        quiet_seconds=idle,
        terms=_terms(pool),
    )


def _questions(pool: Pool) -> float:
    """Return for how long a VM asks in vain before it has done so as often as its pool allows."""
    return policy.asking(pool.failed_matches, pool.heartbeat_seconds)


def _terms(pool: Pool) -> policy.Terms:
    return policy.Terms(
        pool.stop_policies,
        pool.quiet_seconds,
        pool.quiet_cpu,
        pool.kill_quiet,
        pool.failed_matches,
        inf if pool.soft_life is None else pool.soft_life,
        pool.billing_seconds,
    )
