"""Templating: only values that contain braces, each on its own, so that one mistake hides no other.

Runs in the child process only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultHelper
from ansible.template import Templar

from .api import Problem
from .raw import Origin
from .tagged import places, plain


@dataclass
class Values:
    """Plain values, where each was written, and what could not be templated."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def render(wanted: Mapping[str, Any], context: Mapping[str, Any], loader: DataLoader) -> Values:
    """Template `wanted` with the variables `context`."""
    templar = Templar(loader=loader, variables=dict(context))
    done = Values()
    for key, value in wanted.items():
        done.origins |= dict(places(key, value))
        problem = _put(done, key, value, templar)
        if problem:
            done.problems.append(done.origins[key].problem(str(key), *problem))
    return done


def _put(done: Values, key: str, value: Any, templar: Templar) -> tuple[str, str] | None:
    try:
        done.values[str(key)] = plain(templar.template(value) if _has_braces(value) else value)
    except AnsibleError as error:
        text = " ".join(str(error.message).split())
        if "undecryptable" in text:
            return "a template cannot use an encrypted value", "write the `!vault` value, or env:NAME, here itself"
        return f"cannot be templated: {text}", "define the variable or mend the template"
    return None


def _has_braces(value: Any) -> bool:
    if VaultHelper.get_ciphertext(value, with_tags=False) is not None:
        return False
    if isinstance(value, Mapping):
        return any(_has_braces(entry) for entry in (*value.keys(), *value.values()))
    if isinstance(value, list):
        return any(_has_braces(entry) for entry in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)
