"""Frozen values to JSON text and back: structs, enumerations, tuples and mappings, by their annotations.

A field that stored text lacks takes its default, and one the class no longer has is dropped, so that
what an older program wrote can still be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import asdict

from vmdirac_py.model.reason import Reason

T = TypeVar("T")
Reader = Callable[[Any], Any]


def encode(value: Any) -> str:
    """Return `value` as JSON text; equal values give equal text."""
    return json.dumps(value, default=_plain, separators=(",", ":"), sort_keys=True)


def decode(kind: type[T], text: str) -> T:
    """Return the value of class `kind` that `encode` made `text` from."""
    return cast("T", _reader(cast("Any", kind))(json.loads(text)))


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return asdict(value)
    if isinstance(value, Reason):
        return {"code": value.code, "params": value.params}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in the ledger")


@cache
def _reader(kind: Any) -> Reader:
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, Struct | Reason):
        return _class_reader(kind)
    if origin is tuple:
        return _tuple_reader(get_args(kind))
    if origin is Mapping:
        return _mapping_reader(get_args(kind)[1])
    if origin is UnionType:
        return _union_reader(get_args(kind))
    return cast("Reader", kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _class_reader(kind: type[Any]) -> Reader:
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}

    def read(value: Any) -> Any:
        return kind(**{name: readers[name](item) for name, item in value.items() if name in readers})

    return read


def _tuple_reader(parts: tuple[Any, ...]) -> Reader:
    if parts[-1] is Ellipsis:
        every = _reader(parts[0])
        return lambda value: tuple(every(item) for item in value)
    each = [_reader(part) for part in parts]
    return lambda value: tuple(read(item) for read, item in zip(each, value, strict=True))


def _mapping_reader(part: Any) -> Reader:
    read = _reader(part)
    return lambda value: {key: read(item) for key, item in value.items()}


def _union_reader(parts: tuple[Any, ...]) -> Reader:
    """`X | None` reads X; a union of plain values reads as it is."""
    present = [part for part in parts if part is not NoneType]
    if len(present) > 1:
        return _as_it_is
    read = _reader(present[0])
    return lambda value: None if value is None else read(value)


@lru_cache(maxsize=4096)
def decode_reason(text: str) -> Reason:
    """Return the reason `encode` made `text` from; the same few are read again and again."""
    return decode(Reason, text)
