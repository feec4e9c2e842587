"""The instances of a replay: what the cloud makes of them, and when we find out."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from .cloud import Birth
from .machine import Machine
from .world import World

ENROLS_AFTER = 0.5
"""Share of a boot after which a VM enrols."""
Turn = Callable[[float, Machine], None]


class Instances:
    """Everything that happens at the cloud; each turn in the life of an instance is told by one hook, set before use.

    `enrols`, `ready`: it boots; `noticed`: the cloud will take it back; `broken`: it is gone, and its payloads with it;
    `found`: a listing shows that it is gone.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.enrols: Turn
        self.ready: Turn
        self.noticed: Turn
        self.broken: Turn
        self.found: Turn

    def accepted(self, machine: Machine, birth: Birth, at: float) -> None:
        """The cloud has made an instance for a VM, whether we know it yet or not."""
        agenda = self._world.agenda
        machine.accepted_at = at
        self._world.accounts.accepted(machine)
        turns = (
            (at + (birth.ready_at - at) * ENROLS_AFTER, self.enrols),
            (birth.ready_at, self.ready),
            (birth.notice_at, self.noticed),
            (birth.dies_at, self._dies),
        )
        for when, turn in turns:
            if when < inf:
                agenda.note(when, turn, machine)

    def end(self, machine: Machine, at: float) -> None:
        """A VM ends, by itself or because the cloud was asked: a little later it is gone."""
        if not machine.leaving:
            machine.leaving = True
            self._world.agenda.note(at + self._world.scenario.termination_seconds, self._gone, machine)

    def _dies(self, at: float, machine: Machine) -> None:
        if not machine.dead and not machine.leaving:
            self._world.accounts.lost += 1
        self._gone(at, machine)

    def _gone(self, at: float, machine: Machine) -> None:
        if machine.dead:
            return
        machine.dead = True
        world = self._world
        world.matching.close(machine)
        world.accounts.gone(machine, at)
        world.cloud.gone(machine.pool)
        self.broken(at, machine)
        world.agenda.note(world.cloud.shown_at(machine.pool.endpoint, at), self.found, machine)
