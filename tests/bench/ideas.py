"""What each idea of the planner brought: production replayed without it, by changing a constant in this process alone.

There are no such switches in production.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from math import inf
from typing import Any
from unittest.mock import patch

from vmdirac_py.model import queue
from vmdirac_py.planner import ends, groups, hold, planning, pricing
from vmdirac_py.planner.lengths import Lengths
from vmdirac_py.planner.lifetable import EDGES, LifeTable
from vmdirac_py.replay.matching import fullest
from vmdirac_py.replay.rules import Production

HOLDS = (0.0, 2 / 3, 1.0, 3.0)
"""Boot times for which jobs may wait for company, beside production's own: the curve of pay against wait."""

_learned = Lengths.of


def holding(boots: float) -> str:
    """Return the name of the change by which jobs may wait for so many boot times."""
    return f"held for {boots:.2f} boots at most"


def _by_vo(lengths: Lengths, vo: str, _owner: str, _asked: int) -> LifeTable:
    return _learned(lengths, vo, "", 0)


def _by_owner(lengths: Lengths, vo: str, owner: str, _asked: int) -> LifeTable:
    return _learned(lengths, vo, owner, 0)


def _as_asked(_lengths: Lengths, _vo: str, _owner: str, asked: int) -> LifeTable:
    return LifeTable((1.0,) * len(EDGES), tuple(max(0.0, asked - age) for age in EDGES))


IDEAS: Mapping[str, Callable[[], AbstractContextManager[Any]]] = {
    "": nullcontext,
    "VMs take whatever fits": lambda: patch.object(ends, "WASTE", inf),
    "no VM is reopened": lambda: patch.object(groups, "REOPEN_AFTER", inf),
    "no wait for cores within reach": lambda: patch.object(hold, "FOR_CORES", 0.0),
    "the oldest job first, not the longest": lambda: patch.object(queue, "LONG_WAIT", 0.0),
    "sizes waste alike": lambda: patch.object(pricing, "WASTED_PER_DOUBLING", 0.0),
    "instances are never scarce": lambda: patch.object(pricing, "AT_FIRST", 0.0),
    "without bands of length": lambda: patch.object(planning, "BAND", inf),
    "lengths as asked, none learned": lambda: patch.object(Lengths, "of", _as_asked),
    "lengths learned by VO alone": lambda: patch.object(Lengths, "of", _by_vo),
    "lengths learned by owner, not by asked time": lambda: patch.object(Lengths, "of", _by_owner),
    "jobs to the fullest VM": lambda: patch.object(Production, "prefers", staticmethod(fullest), create=True),
    "a plan each 60 s, none at once": lambda: patch.object(Production, "cycle_seconds", 60.0, create=True),
    **{holding(boots): partial(patch.object, hold, "FOR_COMPANY", boots) for boots in HOLDS},
}
"""By name, what production is changed by."""


def without(idea: str) -> AbstractContextManager[Any]:
    """Return a context in which production is without an idea.

    Raises:
        KeyError: there is no such idea.
        AttributeError: the planner has no such constant any more.
    """
    return IDEAS[idea]()
