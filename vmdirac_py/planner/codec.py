"""Snapshots, plans, the memory and situations as JSON and back: versioned, strict, defaults left out.

`"version"` stands beside the fields; a class that changes so that old JSON no longer fits raises its `tag`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.reason import Reason

from .memory import Memory
from .situation import Situation
from .wrong import told, version_told

T = TypeVar("T")


def snapshot_to_json(snapshot: Snapshot) -> bytes:
    """Return a snapshot as JSON."""
    return _ENCODER.encode(snapshot)


def snapshot_from_json(raw: bytes) -> Snapshot:
    """Read a snapshot.

    Raises:
        BadInput: no JSON, another version, an unknown or missing field, or a value that cannot be; names the place.
    """
    return _SNAPSHOT.read(raw)


def plan_to_json(plan: Plan) -> bytes:
    """Return a plan as JSON."""
    return _ENCODER.encode(plan)


def plan_from_json(raw: bytes) -> Plan:
    """Read a plan.

    Raises:
        BadInput: as `snapshot_from_json`.
    """
    return _PLAN.read(raw)


def memory_to_json(memory: Memory) -> bytes:
    """Return the planner's memory as JSON."""
    return _ENCODER.encode(memory)


def memory_from_json(raw: bytes) -> Memory:
    """Read the planner's memory.

    Raises:
        BadInput: as `snapshot_from_json`.
    """
    return _MEMORY.read(raw)


def situation_to_json(situation: Situation) -> bytes:
    """Return a situation as JSON."""
    return _ENCODER.encode(situation)


def situation_from_json(raw: bytes, *, name: str = "situation") -> Situation:
    """Read a situation; `name` is what errors call it.

    Raises:
        BadInput: as `snapshot_from_json`.
    """
    return _SITUATION.read(raw, name)


@lru_cache(maxsize=16_384)
def _written(value: Any) -> Raw:
    """Return what JSON knows no form for; the same few reasons are written again and again."""
    if not isinstance(value, Reason):
        raise NotImplementedError(f"{type(value).__name__} has no form in JSON")
    params = {"params": value.as_dict} if value.params else {}
    return Raw(_PLAIN.encode({"code": value.code, **params}))


def _read(kind: type[Any], plain: Any) -> Any:
    """Return the value of a class JSON knows no form for."""
    if kind is not Reason:
        raise NotImplementedError(f"{kind.__name__} has no form in JSON")
    if not isinstance(plain, dict) or plain.keys() - {"code", "params"} or not isinstance(plain.get("code"), str):
        raise ValueError("Expected a reason: an object of `code` and `params`")
    params = plain.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(item, str | int | float) for item in params.values()):
        raise ValueError("Expected `params` of text, numbers, true and false")
    return Reason(plain["code"], tuple(sorted(params.items())))


class _Other(Struct, frozen=True, tag_field="version", tag=0):
    """What nobody writes: only where several kinds may stand does msgspec insist on a version."""


class _Format(Generic[T]):
    """How one class is read; the decoder is made once."""

    def __init__(self, kind: type[T], name: str) -> None:
        self._kind, self._name = kind, name
        self._decoder: Decoder[Any] = Decoder(kind | _Other, dec_hook=_read)

    def read(self, raw: bytes, name: str = "") -> T:
        """Return the value; raises BadInput."""
        name = name or self._name
        try:
            value = self._decoder.decode(raw)
        except (ValueError, RecursionError) as error:
            raise told(error, raw, self._kind, name, _read) from None
        if not isinstance(value, self._kind):
            raise version_told(0, self._kind, name)
        return value


_PLAIN, _ENCODER = Encoder(), Encoder(enc_hook=_written)
_SNAPSHOT, _PLAN, _MEMORY = _Format(Snapshot, "snapshot"), _Format(Plan, "plan"), _Format(Memory, "memory")
_SITUATION = _Format(Situation, "situation")
