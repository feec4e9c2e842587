"""What VMs are made of their image: `endpoint_context`, `vo_context` and `pool_context`, checked and merged. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from vmdirac_py.model.inventory import Context

from .mismatches import Mismatch
from .roles import Option, Roles
from .secrets import ALWAYS, names_secret
from .values import show

NO_PLACE = "user data is no place for a secret: every process on the VM can read it"
REVEALING = re.compile(
    r"env:[A-Za-z_]\w*|vault:.+|\$ANSIBLE_VAULT;.+|[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]*@.*", re.DOTALL
)
"""References to secrets, which nobody resolves here, and addresses with a password."""
REVISION_LENGTH = 12
KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"),
    "path": ((str,), "text"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "list": ((list,), "a list"),
    "dict": ((dict,), "a mapping"),
    "raw": ((str, int, float, bool, list, dict), "a value"),
}
"""By the type's name in an argument spec: what fits, and how it is called. Nothing is converted."""


ANYTHING = Option("raw")


def merged(*contexts: Context) -> dict[str, dict[str, Any]]:
    """Return the contexts as one: mappings are merged, lists appended without repeats, else the later one holds."""
    result: dict[str, Any] = {}
    for context in contexts:
        result = _both(result, context)
    return result


def revision(context: Context, roles_sha256: str) -> str:
    """Return a short name for what this context and these roles make of an image; empty for no context."""
    if not context:
        return ""
    text = json.dumps([context, roles_sha256], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:REVISION_LENGTH]


def _both(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        shared = {key: _both(first[key], second[key]) for key in first.keys() & second.keys()}
        return {key: shared.get(key, second.get(key, first.get(key))) for key in [*first, *second]}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *(entry for entry in second if entry not in first)]
    return second


def problems(key: str, context: Context, roles: Roles) -> Iterator[Mismatch]:
    """Yield what is wrong with one context, by the dotted name of the place."""
    for role, options in context.items():
        if role not in roles:
            yield f"{key}.{role}", f"there is no role {role}", _near(role, roles)
        else:
            yield from _options(f"{key}.{role}", options, roles[role])


def missing(context: Context, roles: Roles) -> Iterator[Mismatch]:
    """Yield what a merged context lacks."""
    for role, options in context.items():
        for name, option in roles.get(role, {}).items():
            if option.required and name not in options:
                what = f"role {role} needs {name}, which endpoint, VO and pool leave out"
                yield f"pool_context.{role}", what, "set it where it belongs, or leave the role out"


def _options(key: str, given: Mapping[str, Any], known: Mapping[str, Option]) -> Iterator[Mismatch]:
    for name, value in given.items():
        if name not in known:
            yield f"{key}.{name}", "unknown option", _near(name, known)
        elif known[name].secret or not ALWAYS.isdisjoint(name.lower().split("_")):
            yield f"{key}.{name}", NO_PLACE, "leave it out"
        else:
            yield from _value(f"{key}.{name}", value, known[name])


def _value(key: str, value: Any, option: Option) -> Iterator[Mismatch]:
    kinds, name = KINDS[option.type]
    if isinstance(value, str) and REVEALING.fullmatch(value):
        yield key, NO_PLACE, "leave it out"
    elif not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield key, f"wants {name}, has {show(value)}", _quote(option) if not isinstance(value, str) else f"write {name}"
    elif option.choices and not isinstance(value, list) and value not in option.choices:
        choices = ", ".join(map(str, option.choices))
        yield key, f"must be one of {choices}, not {show(value)}", _near(str(value), map(str, option.choices))
    elif isinstance(value, list):
        yield from _entries(key, value, option)
    elif isinstance(value, dict) and option.options:
        yield from _inner(key, value, option)
    elif isinstance(value, dict):
        yield from _free(key, value)


def _free(key: str, given: Mapping[str, Any]) -> Iterator[Mismatch]:
    """Look through a mapping whose names are the user's own."""
    for name, value in given.items():
        if names_secret(str(name)) and value:
            yield f"{key}.{name}", NO_PLACE, "leave it out"
        else:
            yield from _value(f"{key}.{name}", value, ANYTHING)


def _entries(key: str, value: list[Any], option: Option) -> Iterator[Mismatch]:
    one = Option(option.elements or ANYTHING.type, choices=option.choices, options=option.options)
    for number, entry in enumerate(value):
        yield from _value(f"{key}.{number}", entry, one)


def _inner(key: str, value: Mapping[str, Any], option: Option) -> Iterator[Mismatch]:
    yield from _options(key, value, option.options)
    for name, inner in option.options.items():
        if inner.required and name not in value:
            yield key, f"lacks {name}", "add it"


def _quote(option: Option) -> str:
    return "put it in quotes" if option.type in {"str", "path"} else f"write {KINDS[option.type][1]}"


def _near(name: str, known: Any) -> str:
    names = list(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}" if names else "leave it out"
