"""What retiring comes to: drains, and by pool what holds others back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vmdirac_py.model.plan import Action, Decision, PoolNote
from vmdirac_py.model.reason import Reason

from .policy import Candidate


@dataclass(frozen=True, slots=True)
class Retirement:
    """Drains, and by pool the reasons for which VMs that should go stay for now."""

    decisions: tuple[Decision, ...]
    held: Mapping[str, tuple[Reason, ...]]

    @property
    def vms(self) -> frozenset[str]:
        """The VMs that are drained."""
        return frozenset(vm for decision in self.decisions for vm in decision.vms)

    def noted(self, notes: Iterable[PoolNote]) -> tuple[PoolNote, ...]:
        """Return pool notes with what is held back added."""
        reasons = {note.pool: note.reasons for note in notes}
        return tuple(
            PoolNote(pool, (*reasons.get(pool, ()), *self.held.get(pool, ())))
            for pool in sorted(reasons.keys() | self.held.keys())
        )


def drains(chosen: Iterable[Candidate]) -> tuple[Decision, ...]:
    """Return the drains of these VMs, grouped by pool and reason."""
    groups: defaultdict[tuple[str, str, str, Reason], list[str]] = defaultdict(list)
    for capacity, reason in chosen:
        groups[capacity.vm.endpoint, capacity.vm.pool, capacity.vm.vo, reason].append(capacity.vm.id)
    return tuple(
        Decision(Action.DRAIN, endpoint, pool, vo, len(vms), reason, tuple(vms))
        for (endpoint, pool, vo, reason), vms in groups.items()
    )
