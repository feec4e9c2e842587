# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Frozen values of vmdirac_py as plain dicts and lists."""

from __future__ import annotations

import dataclasses
import enum
import importlib


def plain(value):
    """Return a value as what JSON knows: structs as dicts, enums as their values, reasons with their words."""
    if _is_reason(value):
        return {"code": value.code, "params": value.as_dict, "words": words(value)}
    value = _named(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def _named(value):
    """Return the fields of a struct or dataclass by name; what has none as it is."""
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: getattr(value, name) for name in getattr(value, "__struct_fields__", ())} or value


def words(reason):
    """Return a reason as a person reads it."""
    return importlib.import_module("vmdirac_py.model.words").words(reason)


def _is_reason(value):
    return type(value).__name__ == "Reason" and hasattr(value, "as_dict")


def batch_row(batch):
    """Return a stored batch in the form of a report: nothing sent by this call."""
    return {
        "batch": batch.id,
        "kind": batch.kind.value,
        "state": batch.state.value,
        "endpoint": batch.endpoint,
        "pool": batch.pool,
        "wanted": batch.wanted,
        "launched": batch.launched,
        "refused": batch.refused,
        "sent": False,
        "instances": {},
        "error_class": plain(batch.error_class),
        "error_text": batch.error_text,
    }
