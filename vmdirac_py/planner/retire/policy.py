"""What a policy is: who should go and why, and the terms on which it may be followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity

from .view import View

Candidate = tuple[Capacity, Reason]
"""A VM that should go, and why."""


class Doubt(StrEnum):
    """What makes the input of a plan doubtful."""

    LISTING = "listing"  # the endpoint was not listed for long
    SILENCE = "silence"  # most VMs of the endpoint fell silent together
    DEMAND = "demand"  # most of the waiting jobs vanished, and nobody ran them


class Proof(StrEnum):
    """What a plan without the candidates must show before they are drained."""

    ASKED = "asked"  # nothing: a person wants them gone
    UNNEEDED = "unneeded"  # no VM more is launched, no job more stays without a place
    REPLACED = "replaced"  # no job more stays without a place; VMs may be launched in their place
    MOVED = "moved"  # as replaced, and nothing is launched in the pools they leave


@dataclass(frozen=True, slots=True)
class Terms:
    """How far a policy may go.

    `busy`: also VMs with running payloads (a drain lets them finish); `heeds`: doubts that hold it back;
    `share`: the part of a pool that may drain at once (one VM at least); New VMs do not count, lest one that is
    launched for one that drains lets another drain.
    """

    proof: Proof
    heeds: frozenset[Doubt]
    busy: bool = False
    share: float = 1.0


EVERY_DOUBT = frozenset(Doubt)
TENTH = 0.1
FOR_EMPTY_ONES = Terms(Proof.UNNEEDED, EVERY_DOUBT)
FOR_WISHES = Terms(Proof.ASKED, frozenset({Doubt.LISTING}), busy=True)


class Policy(Protocol):
    """One cause for which VMs retire."""

    terms: ClassVar[Terms]

    def candidates(self, view: View) -> Iterable[Candidate]:
        """Yield the VMs that should go, and why; the order does not matter."""
