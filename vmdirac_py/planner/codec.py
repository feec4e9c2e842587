"""Snapshots, plans and the memory as plain JSON values and back: versioned, strict, defaults left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.reason import Reason

from .memory import Memory
from .readers import Wrong, reader

VERSION = 1

T = TypeVar("T")


def snapshot_to_plain(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as JSON values."""
    return {"version": VERSION, **to_plain(snapshot)}


def snapshot_from_plain(plain: Any) -> Snapshot:
    """Read a snapshot.

    Raises:
        BadInput: another version, an unknown or missing field, or a value that cannot be; names the place.
    """
    return _versioned(Snapshot, plain, "snapshot")


def plan_to_plain(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON values."""
    return {"version": VERSION, **to_plain(plan)}


def plan_from_plain(plain: Any) -> Plan:
    """Read a plan.

    Raises:
        BadInput: as `snapshot_from_plain`.
    """
    return _versioned(Plan, plain, "plan")


def memory_to_plain(memory: Memory) -> dict[str, Any]:
    """Return the planner's memory as JSON values."""
    return {"version": VERSION, **to_plain(memory)}


def memory_from_plain(plain: Any) -> Memory:
    """Read the planner's memory; None (nothing saved yet) is the empty one.

    Raises:
        BadInput: as `snapshot_from_plain`.
    """
    return Memory() if plain is None else _versioned(Memory, plain, "memory")


def _versioned(cls: type[T], plain: Any, name: str) -> T:
    if not isinstance(plain, dict):
        raise BadInput("is no JSON object", where=name, mend="give what the same program wrote")
    if plain.get("version") != VERSION:
        found = plain.get("version")
        raise BadInput(f"has version {found!r}, readable is {VERSION}", where=name, mend="use the same vmdirac_py")
    return from_plain(cls, {key: value for key, value in plain.items() if key != "version"}, name)


def from_plain(cls: type[T], plain: Any, where: str) -> T:
    """Read one frozen dataclass of the model.

    Raises:
        BadInput: an unknown or missing field, or a value that cannot be; names the place.
    """
    try:
        value: T = reader(cls)(plain)
    except Wrong as wrong:
        raise BadInput(wrong.what, where=where + wrong.path, mend="mend or remove it") from None
    return value


def to_plain(value: Any) -> Any:
    """Return a value of the model as JSON values; fields at their default are left out."""
    if isinstance(value, Reason):
        return {"code": value.code, "params": value.as_dict} if value.params else {"code": value.code}
    if is_dataclass(value):
        return {name: to_plain(item) for name, item in _told(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return value


@cache
def _defaults(cls: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((one.name, _default(one)) for one in fields(cls))


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def _told(value: Any) -> list[tuple[str, Any]]:
    kind: Any = type(value)
    defaults: tuple[tuple[str, Any], ...] = _defaults(kind)
    told = ((name, getattr(value, name), default) for name, default in defaults)
    return [(name, item) for name, item, default in told if item != default]
