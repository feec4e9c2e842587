"""What is wrong with JSON that could not be read, and where: msgspec's errors as the project's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from msgspec import ValidationError, convert

from vmdirac_py.base.errors import BadInput

STEP = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
"""One step of msgspec's path; of a mapping it does not say which key."""

Hook = Callable[[type[Any], Any], Any]


def told(error: Exception, raw: bytes, kind: type[Any], name: str, hook: Hook) -> BadInput:
    """Return why `raw` is no value of `kind`; `name` is what the whole is called."""
    try:
        plain = json.loads(raw) if isinstance(error, ValidationError) else None
    except (ValueError, RecursionError) as broken:
        error, plain = broken, None
    if plain is None and not isinstance(error, ValidationError):
        return BadInput(f"is no JSON that can be read: {error}", where=name, mend="give what the same program wrote")
    if not isinstance(plain, dict):
        return BadInput("is no JSON object", where=name, mend="give what the same program wrote")
    if plain.get("version") != _version(kind):
        return version_told(plain.get("version"), kind, name)
    what, _, path = str(error).partition(" - at `$")
    return BadInput(what, where=name + _place(kind, plain, path.rstrip("`"), hook), mend="mend or remove it")


def version_told(found: Any, kind: type[Any], name: str) -> BadInput:
    """Return that this version cannot be read."""
    what = f"has version {found!r}, readable is {_version(kind)}"
    return BadInput(what, where=name, mend="use the same vmdirac_py")


def _version(kind: Any) -> int:
    version: int = kind.__struct_config__.tag
    return version


def _place(kind: Any, plain: Any, path: str, hook: Hook) -> str:
    """Return msgspec's path with the keys of mappings named."""
    place = ""
    try:
        for step in STEP.finditer(path):
            kind, plain, shown = _below(kind, plain, step, hook)
            place += shown
    except (LookupError, TypeError, AttributeError):  # a key given twice, or inside what may be anything
        return path
    return place


def _below(kind: Any, plain: Any, step: re.Match[str], hook: Hook) -> tuple[Any, Any, str]:
    if step["field"]:
        return get_type_hints(kind, include_extras=True).get(step["field"]), plain.get(step["field"]), step[0]
    if step["index"]:
        return get_args(kind)[0], plain[int(step["index"])], step[0]
    inner = get_args(kind)[1]
    key = next((key for key, item in plain.items() if _unfit(inner, item, hook)), "")
    return inner, plain[key], f".{key}"


def _unfit(kind: Any, plain: Any, hook: Hook) -> bool:
    try:
        convert(plain, kind, dec_hook=hook)
    except ValidationError:
        return True
    return False
