"""An inventory as Ansible understood it, before it means anything: plain values and where each was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from .api import Problem


class Owner(StrEnum):
    """What a key may be set on."""

    GROUP = "group"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written; line 0: not known."""

    file: str = ""
    line: int = 0

    def problem(self, key: str, what: str, mend: str = "") -> Problem:
        """Return a complaint about this place."""
        return Problem(self.file, self.line, key, what, mend)


@dataclass(frozen=True, slots=True)
class Setting:
    """`key` was set on a group or host in this place; one key may be set in several."""

    owner: Owner
    name: str
    key: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Entity:
    """A group or host with its templated values.

    `groups` are all groups it is in, at any depth. `origins` also names keys whose value could not be templated,
    and keys inside mappings as `endpoint_options.auth.user`.
    """

    name: str
    origin: Origin
    groups: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def where(self, key: str) -> Origin:
        """Return where `key`, or the nearest mapping around it, was written; else where the entity itself was."""
        while key not in self.origins and "." in key:
            key = key.rpartition(".")[0]
        return self.origins.get(key, self.origin)


@dataclass(frozen=True, slots=True)
class Raw:
    """Everything read from one tree, and what could not be read."""

    groups: tuple[Entity, ...] = ()
    hosts: tuple[Entity, ...] = ()
    settings: tuple[Setting, ...] = ()
    problems: tuple[Problem, ...] = ()


def to_document(raw: Raw) -> dict[str, Any]:
    """Return `raw` as plain JSON values."""
    return asdict(raw)


def from_document(document: Mapping[str, Any]) -> Raw:
    """Return what `to_document` wrote."""
    return Raw(
        groups=tuple(_entity(entry) for entry in document["groups"]),
        hosts=tuple(_entity(entry) for entry in document["hosts"]),
        settings=tuple(
            Setting(Owner(entry["owner"]), entry["name"], entry["key"], Origin(**entry["origin"]))
            for entry in document["settings"]
        ),
        problems=tuple(Problem(**entry) for entry in document["problems"]),
    )


def _entity(entry: Mapping[str, Any]) -> Entity:
    return Entity(
        name=entry["name"],
        origin=Origin(**entry["origin"]),
        groups=tuple(entry["groups"]),
        values=entry["values"],
        origins={key: Origin(**origin) for key, origin in entry["origins"].items()},
    )
