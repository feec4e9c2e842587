"""One pass over all groups: every waiting job placed once, on what runs, boots, or shall be launched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

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
        self.left = group.jobs - sum([one.jobs for one in placed])

    def by_phase(self) -> list[int]:
        """Return how many jobs went to VMs of each phase."""
        jobs = [0] * len(Phase)
        for one in self.placed:
            jobs[one.kind.phase] += one.jobs
        return jobs


class Assignment:
    """The shares of all groups; VOs do not see each other, so only those for which VMs are planned are placed anew."""

    def __init__(self, fleet: Fleet, groups: Sequence[Group]) -> None:
        self._fleet, self._groups = fleet, defaultdict[str, list[Group]](list)
        self._order = {id(group): at for at, group in enumerate(groups)}
        for group in groups:
            self._groups[group.vo].append(group)
        self._shares: dict[str, list[Share]] = {}
        self._remaining: dict[str, Mapping[int, float]] = {}

    def place(self, planned: Mapping[str, Mapping[Key, int]], vos: Iterable[str] | None = None) -> None:
        """Place the jobs of these VOs (None: all) on the fleet and on what is planned for their VO."""
        for vo in self._groups if vos is None else vos:
            stock = self._fleet.stock(vo, planned.get(vo, {}))
            self._shares[vo] = [Share(group, stock.place(group, group.jobs)) for group in self._groups[vo]]
            self._remaining[vo] = stock.remaining

    @property
    def shares(self) -> list[Share]:
        """The shares of all groups, in the groups' order."""
        found = [share for shares in self._shares.values() for share in shares]
        return sorted(found, key=lambda share: self._order[id(share.group)])

    @property
    def remaining(self) -> dict[int, float]:
        """For how many seconds VMs will run then, by position in the fleet."""
        return {at: seconds for some in self._remaining.values() for at, seconds in some.items()}
