"""What snapshots, situations and plans look like in JSON, for programs that are not ours: JSON Schema."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from msgspec.json import schema_components

from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.reason import Reason

from .situation import Situation

KINDS = (Snapshot, Situation, Plan)
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"
_REASON = {
    "title": "Reason",
    "description": "A code such as `limit.pool_vms` with its parameters.",
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "params": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "default": {}},
    },
    "required": ["code"],
    "additionalProperties": False,
}


def schema() -> dict[str, dict[str, Any]]:
    """Return the schemas by name and version: `snapshot-1`, `situation-1` and `plan-1`."""
    return {f"{kind.__name__.lower()}-{kind.__struct_config__.tag}": _schema(kind) for kind in KINDS}


def _schema(kind: type[Any]) -> dict[str, Any]:
    (top,), parts = schema_components((kind,), schema_hook=_hook, ref_template=_REF)
    told = {name: _told(part) for name, part in parts.items()}
    return {"$schema": DRAFT, **top, "$defs": {**told, "Reason": _REASON}}


def _told(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part with its docstring without the indentation of the code."""
    return {**part, "description": cleandoc(part["description"])}


def _hook(kind: type[Any]) -> dict[str, Any]:
    if kind is not Reason:
        raise NotImplementedError(f"{kind.__name__} has no form in JSON")
    return {"$ref": _REF.format(name="Reason")}
