"""One pass over all groups: every waiting job placed once, on what runs, boots, or shall be launched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vmdirac_py.model.reason import Reason

from .fleet import Fleet
from .groups import Group
from .stock import Key, Phase, Placed


class Share:
    """Where the jobs of one group go: `placed` on stock, `left` nowhere yet, `held` of them may wait."""

    __slots__ = ("group", "held", "left", "placed", "reasons")

    def __init__(self, group: Group, placed: list[Placed]) -> None:
        self.group, self.placed, self.held = group, placed, 0
        self.reasons: list[Reason] = []
        self.left = group.jobs - sum(one.jobs for one in placed)

    def in_phase(self, phase: Phase) -> int:
        """Return how many jobs went to VMs of a phase."""
        return sum(one.jobs for one in self.placed if one.kind.key.phase is phase)


class Pass:
    """What one pass found: a share per group in their order, and for how long VMs will run then."""

    def __init__(self, fleet: Fleet, groups: Sequence[Group], planned: Mapping[Key, int]) -> None:
        stocks = fleet.stocks(groups, planned)
        self.shares = [Share(group, stocks[group.vo].place(group, group.jobs)) for group in groups]
        self.remaining = {at: seconds for stock in stocks.values() for at, seconds in stock.remaining.items()}
