"""The parts of one replay, made once and shared by all that happens in it."""

from __future__ import annotations

from random import Random

from vmdirac_py.model.inventory import Inventory

from .accounts import Accounts
from .agenda import Agenda
from .api import Trace
from .cloud import Cloud
from .fleet import Fleet
from .lines import Lines
from .matching import Matching
from .news import News
from .scenario import Scenario


class World:
    """Queues, fleet, cloud, and what is told of them, in virtual time.

    `over` once nothing is left to run: then no VM is launched or kept.
    """

    def __init__(self, trace: Trace, inventory: Inventory, scenario: Scenario, seed: int) -> None:
        self.inventory, self.scenario = inventory, scenario
        self.agenda = Agenda(scenario.begins)
        self.fleet = Fleet(inventory, self.agenda)
        self.lines = Lines(scenario.begins)
        self.cloud = Cloud(scenario, inventory, Random(seed))  # noqa: S311 - a replay must be repeatable
        self.news = News(inventory, scenario.begins)
        self.accounts = Accounts(trace, scenario.begins)
        self.matching = Matching(self.lines)
        self.over = not trace.jobs
