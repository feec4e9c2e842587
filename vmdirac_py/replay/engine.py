"""The discrete-event engine: a rule, a trace and a scripted cloud in virtual time, with production's cadence."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import Action, Decision, Plan, Snapshot, SoftEnd
from vmdirac_py.planner.lengths import Lengths

from .acting import Actor
from .api import Rule, Trace
from .instances import Instances
from .lives import Lives
from .machine import Machine
from .scenario import Scenario
from .work import Work
from .workers import Workers
from .world import World

GIVE_UP = 86400.0
"""So many seconds after the last submission, start or end of any job those that still wait are given up."""

Progress = Callable[[int, int], None]
"""Told how many jobs of how many are settled."""


class Engine:
    """One replay. A rule may say more than `step`.

    `guarded` (bool): its batches are closed unsent while the endpoint's launch budget forbids them, as
    production does.
    `lengths(memory)`: return how long jobs are expected to run (`Lengths`); VMs then take only what is in their reach.
    `prefers(machine, seconds, at)`: which VM a new job goes to (`matching.Cost`).
    `cycle_seconds`: it is asked so often, whatever happens in between, and not at production's cadence.
    `inventory(inventory)`: return the inventory it is replayed with (asked by `replay`).
    """

    def __init__(self, trace: Trace, inventory: Inventory, rule: Rule, scenario: Scenario, seed: int) -> None:
        self.world = world = World(trace, inventory, scenario, seed)
        self._rule, self._memory = rule, None
        self._lengths: Callable[[Any], Lengths] | None = getattr(rule, "lengths", None)
        world.matching.cost = getattr(rule, "prefers", world.matching.cost)
        if hasattr(rule, "cycle_seconds"):
            world.news.keep_to(rule.cycle_seconds)
        instances = Instances(world)
        workers = Workers(world, instances)
        self._lives = lives = Lives(world, instances, workers)
        self._work = work = Work(world, trace, workers.freed)
        instances.broken, lives.requeue, lives.retire = work.broken, work.requeue, self._retire
        guarded = bool(getattr(rule, "guarded", False))
        self._actors = {
            name: Actor(world, instances, lives, endpoint, guarded=guarded)
            for name, endpoint in inventory.endpoints.items()
        }
        self._total, self._batches = len(trace.jobs), 0
        self._longest_idle = max((pool.idle_seconds for pool in inventory.pools.values()), default=0.0)
        self.ended_at = scenario.begins

    def run(self, progress: Progress | None = None) -> None:
        """Run until all jobs are settled and no VM is paid for any more."""
        world = self.world
        agenda, news, curves = world.agenda, world.news, world.accounts.curves
        while not world.over or self._lingers():
            at = min(agenda.next_at, news.due)
            if at == inf:
                break
            if at > curves.next_at:
                self._sample(at, progress)
            if news.due < agenda.next_at:
                agenda.now = at
                self._plan(at)
            else:
                agenda.happen()
        self._close(agenda.now)
        self._sample(agenda.now, progress)

    def _lingers(self) -> bool:
        """Tell whether VMs are left, although no job is, of which something may still come."""
        world = self.world
        left = world.accounts.vms or world.fleet.alive
        return bool(left) and world.agenda.next_at < self._work.progress_at + GIVE_UP + self._longest_idle

    def _close(self, at: float) -> None:
        """Settle the accounts: what no cloud has ended by now is paid for until now."""
        self.ended_at = at
        for machine in self.world.fleet.instances():
            self.world.accounts.gone(machine, at)

    def _sample(self, at: float, progress: Progress | None) -> None:
        accounts = self.world.accounts
        accounts.sample(at, self.world.lines)
        if progress is not None:
            progress(accounts.done + accounts.unserved, self._total)

    def _plan(self, at: float) -> None:
        world = self.world
        if not len(world.fleet) and not world.lines.total:
            world.news.rest()
            return
        outcomes, finished = world.news.told(at)
        views = tuple([world.cloud.view(name, at) for name in world.inventory.endpoints])
        snapshot = Snapshot(
            at, world.news.seq, world.inventory, world.lines.demand(at), world.fleet.values(), views, outcomes, finished
        )
        plan, self._memory = self._rule.step(snapshot, self._memory)
        world.accounts.planned(plan)
        self._carry_out(plan, at)
        self._despair(at)

    def _carry_out(self, plan: Plan, at: float) -> None:
        for decision in plan.decisions:
            if decision.action is Action.DRAIN:
                self._drain(decision, at)
            elif not self.world.over:
                self._launch(decision, at)
        for end in plan.ends:
            self._soften(end, at)
        if self._lengths is not None:
            self.world.matching.lengths = self._lengths(self._memory)
            self.world.matching.reconsider(at)

    def _launch(self, decision: Decision, at: float) -> None:
        self._batches += 1
        pool, batch = self.world.inventory.pools[decision.pool], f"b-{self._batches:06}"
        machines = [self.world.fleet.make(pool, batch, at, decision.soft_end) for _ in range(decision.count)]
        self._actors[pool.endpoint].launch(pool, machines, at)

    def _drain(self, decision: Decision, at: float) -> None:
        for name in decision.vms:
            machine = self.world.fleet.get(name)
            if machine is not None:
                self._lives.drain(machine, decision.reason, at)

    def _soften(self, end: SoftEnd, at: float) -> None:
        machine = self.world.fleet.get(end.vm)
        if machine is None or machine.vm.soft_end == end.until:
            return
        self.world.fleet.soften(machine, end.until)
        if machine.entry is not None:
            self.world.matching.open(machine, at)

    def _retire(self, machine: Machine, at: float) -> None:
        self._actors[machine.pool.endpoint].retire(machine, at)

    def _despair(self, at: float) -> None:
        """Give up jobs that nothing will ever run."""
        since = self._work.stuck_since
        if since is not None:
            changes = self.world.scenario.begins + self.world.scenario.last_change
            if at > max(since, changes) + GIVE_UP:
                self._work.give_up()
