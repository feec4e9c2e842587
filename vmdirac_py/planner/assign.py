"""One pass over all groups: every waiting job placed once on what runs; what is left is for others to place."""

from __future__ import annotations

from collections.abc import Sequence

from vmdirac_py.model.reason import Reason

from .fleet import Fleet
from .groups import Group
from .stock import Phase


class Share:
    """Where the jobs of one group go.

    `jobs` says how many by phase, `left` how many nowhere yet, of which `held` may wait; `reasons` are why.
    """

    __slots__ = ("_running", "group", "held", "jobs", "left", "reasons")

    def __init__(self, group: Group, running: int) -> None:
        self.group, self._running = group, running
        self.reasons: list[Reason] = []
        self.forget()

    def forget(self) -> None:
        """Forget all but what running VMs take."""
        self.jobs, self.held, self.left = [self._running, 0, 0], 0, self.group.jobs - self._running
        self.reasons.clear()

    def give(self, phase: Phase, jobs: int) -> None:
        """Note that VMs of a phase take so many of the jobs that are left."""
        self.jobs[phase] += jobs
        self.left -= jobs


def assign(fleet: Fleet, groups: Sequence[Group]) -> tuple[list[Share], dict[int, float]]:
    """Place the jobs of all groups, in their order, on what runs.

    Returns a share per group, and for how long the jobs run that VMs were given beyond their reach, by position in
    the fleet.
    """
    stocks = {vo: fleet.stock(vo) for vo in dict.fromkeys(group.vo for group in groups)}
    shares = [Share(group, stocks[group.vo].place(group)) for group in groups]
    return shares, {at: seconds for stock in stocks.values() for at, seconds in stock.reopened.items()}
