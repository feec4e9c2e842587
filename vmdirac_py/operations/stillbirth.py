"""VMs that end before they ever ran, or unfit to: told by an event, which the launch budget counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vmdirac_py.ledger.api import STILLBORN, Transaction
from vmdirac_py.model.vm import Move, VmState

from .callers import actor_of

ON_THE_WAY = frozenset({VmState.SUBMITTED, VmState.CONTEXTUALISING})
ENDED = frozenset({VmState.FAILED, VmState.HALTED})


def tell(tx: Transaction, moves: Sequence[Move], moved: Collection[str], *, actor: str) -> None:
    """Write an event for each VM that went straight from booting to its end."""
    really = set(moved)
    ended = [change.vm for change in moves if change.was in ON_THE_WAY and change.to in ENDED and change.vm in really]
    tx.events.append_each(STILLBORN, ended, actor=actor)


def unfit(tx: Transaction, vm_id: str) -> None:
    """Write the event for a VM that found itself unfit for jobs: the next one of its pool would too."""
    tx.events.append(STILLBORN, subject=vm_id, actor=actor_of(vm_id))
