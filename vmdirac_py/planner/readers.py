"""Strict readers of plain JSON values, made once per class of the model from its annotations."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from math import isfinite
from typing import Any, Union, get_args, get_origin, get_type_hints

from vmdirac_py.model.reason import Reason

SIGNED = frozenset({"priority"})
"""The only numbers that may be negative."""

Reader = Callable[[Any], Any]


class Wrong(Exception):
    """A value is wrong; `path` (such as `.fleet[3].vm.state`) grows on the way out."""

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(what)
        self.what, self.path = what, path

    def below(self, step: str) -> Wrong:
        """Return the same, seen from one level up."""
        return Wrong(self.what, step + self.path)


def reader(cls: Any) -> Reader:
    """Return what turns plain JSON values into this class, raising `Wrong`."""
    return _reader(cls, signed=False)


@cache
def _reader(kind: Any, *, signed: bool) -> Reader:
    if kind is Any:
        return lambda value: value
    if kind in _PLAIN:
        return _PLAIN[kind](signed)
    if kind is Reason:
        return _read_reason
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    return _generic_reader(get_origin(kind), get_args(kind), signed=signed)


def _generic_reader(origin: Any, args: tuple[Any, ...], *, signed: bool) -> Reader:
    if origin in {types.UnionType, Union}:
        return _optional_reader([_reader(arg, signed=signed) for arg in args if arg is not types.NoneType])
    if origin is tuple:
        return _list_reader(_reader(args[0], signed=signed))
    return _mapping_reader(_reader(args[1], signed=signed))


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong(f"{value!r} is no text")
    return value


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"{value!r} is neither true nor false")
    return value


def _int_reader(signed: bool) -> Reader:  # noqa: FBT001 - one of a table of equal makers
    def read(value: Any) -> int:
        if type(value) is not int or (value < 0 and not signed):
            raise Wrong(f"{value!r} is no {'' if signed else 'non-negative '}whole number")
        return value

    return read


def _float_reader(signed: bool) -> Reader:  # noqa: FBT001 - one of a table of equal makers
    def read(value: Any) -> float:
        if type(value) not in {float, int} or not isfinite(value) or (value < 0 and not signed):
            raise Wrong(f"{value!r} is no {'' if signed else 'non-negative '}number")
        return float(value)

    return read


_PLAIN: Mapping[Any, Callable[[bool], Reader]] = {
    str: lambda _signed: _read_text,
    bool: lambda _signed: _read_bool,
    int: _int_reader,
    float: _float_reader,
}


def _enum_reader(kind: type[Enum]) -> Reader:
    members = {member.value: member for member in kind}

    def read(value: Any) -> Enum:
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            raise Wrong(f"{value!r} is none of {', '.join(members)}")
        return member

    return read


def _optional_reader(readers: list[Reader]) -> Reader:
    (inner,) = readers  # the model has no unions but "or None" outside reasons
    return lambda value: None if value is None else inner(value)


def _list_reader(inner: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Wrong(f"{value!r} is no list")
        found: list[Any] = []
        try:
            found.extend(map(inner, value))
        except Wrong as wrong:
            raise wrong.below(f"[{_position(inner, value)}]") from None
        return tuple(found)

    return read


def _position(inner: Reader, values: list[Any]) -> int:
    """Return which value is wrong; only on the way to an error, so reading it again is cheap enough."""
    for position, value in enumerate(values):
        try:
            inner(value)
        except Wrong:
            return position
    return len(values)


def _mapping_reader(inner: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Wrong(f"{value!r} is no object")
        return {key: _below(inner, item, f".{key}") for key, item in value.items()}

    return read


def _below(reader: Reader, value: Any, step: str) -> Any:
    try:
        return reader(value)
    except Wrong as wrong:
        raise wrong.below(step) from None


def _read_reason(value: Any) -> Reason:
    if not isinstance(value, dict) or value.keys() - {"code", "params"} or not isinstance(value.get("code"), str):
        raise Wrong(f"{value!r} is no reason")
    params = value.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(item, str | int | float) for item in params.values()):
        raise Wrong(f"{params!r} are no parameters", ".params")
    return Reason.of(value["code"], **params)


def _dataclass_reader(cls: Any) -> Reader:
    hints = get_type_hints(cls)
    readers = {one.name: _reader(hints[one.name], signed=one.name in SIGNED) for one in fields(cls)}
    required = {one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Wrong(f"{value!r} is no object")
        if not (required <= value.keys() <= readers.keys()):
            raise _misshapen(value.keys(), required, readers.keys())
        try:
            return cls(**{name: readers[name](item) for name, item in value.items()})
        except Wrong as wrong:
            raise wrong.below(f".{_culprit(readers, value)}") from None

    return read


def _misshapen(found: AbstractSet[str], required: AbstractSet[str], known: AbstractSet[str]) -> Wrong:
    unknown = sorted(found - known)
    return Wrong(f"unknown field {unknown[0]}" if unknown else f"field {min(required - found)} is missing")


def _culprit(readers: Mapping[str, Reader], value: Mapping[str, Any]) -> str:
    """Return which field is wrong; only on the way to an error."""
    for name, item in value.items():
        try:
            readers[name](item)
        except Wrong:
            return name
    return ""
