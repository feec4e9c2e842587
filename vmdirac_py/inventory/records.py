"""Reading one group's or host's values by the key table; complaints are gathered, never raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vmdirac_py.model.inventory import Context

from . import contexts, roles
from .api import Problem
from .keys import KEYS, Key
from .raw import Entity
from .secrets import MEND, plain_secrets
from .values import Unfit


@dataclass
class Complaints:
    """The problems found so far."""

    problems: list[Problem]

    def add(self, problem: Problem) -> None:
        """Remember a problem."""
        self.problems.append(problem)

    def at(self, entity: Entity, key: str, what: str, mend: str = "") -> None:
        """Remember a problem of one key of a group or host, at the place where it was written."""
        self.add(entity.where(key).problem(key, what, mend))


def record(entity: Entity, thing: str, complaints: Complaints) -> dict[str, Any] | None:
    """Return the fields that are set, by field name; None when one is missing or unfit."""
    before = len(complaints.problems)
    values: dict[str, Any] = {}
    for key in KEYS.values():
        if key.thing == thing:
            _read(key, entity, values, complaints)
    return values if len(complaints.problems) == before and not _untemplated(entity) else None


def _check_context(key: Key, entity: Entity, context: Context, complaints: Complaints) -> None:
    for name, what, mend in contexts.problems(key.name, context, roles.known()):
        complaints.at(entity, name, what, mend)


def _untemplated(entity: Entity) -> bool:
    """Tell whether a key was set whose value could not be made (its problem is known already)."""
    return any(key in KEYS and key not in entity.values for key in entity.origins)


def _read(key: Key, entity: Entity, values: dict[str, Any], complaints: Complaints) -> None:
    if key.name not in entity.values:
        if key.required and key.name not in entity.origins:
            what = f"{entity.name} has no {key.name}: {key.about.meaning}"
            mend = "set it for the host or a group it is in" if key.thing == "pool" else f"set it in {entity.name}"
            complaints.at(entity, key.name, what, mend)
        return
    value = entity.values[key.name]
    try:
        values[key.field] = key.read(value)
    except Unfit as error:
        complaints.at(entity, key.name, str(error), f"a {key.type.name} is wanted")
        return
    if key.field == "context":
        _check_context(key, entity, values[key.field], complaints)
        return
    for name in plain_secrets(key.name, value):
        complaints.at(entity, name, "looks like a secret in plain text", MEND)
