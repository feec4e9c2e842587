"""Situations: what the plan of a moment depends on, to be kept, sent, and planned again anywhere."""

from __future__ import annotations

from vmdirac_py.model.plan import Plan
from vmdirac_py.planner.situation import Situation, bare, veiled
from vmdirac_py.planner.step import step

from . import planning
from .api import Context
from .history import pseudonyms


def take(ctx: Context) -> Situation:
    """Return the present situation without the options of drivers."""
    return bare(planning.situation(ctx))


def for_strangers(ctx: Context, situation: Situation) -> Situation:
    """Return a situation with pseudonyms for people, those of an export of the history."""
    return veiled(situation, pseudonyms(ctx))


def planned(situation: Situation) -> Plan:
    """Return the plan that is made in a situation; nothing is written."""
    return step(situation.snapshot, situation.memory)[0]
