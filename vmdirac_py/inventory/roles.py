"""The roles that contextualise a VM, and the options they take: read from their own argument specs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from vmdirac_py.base.content import collection

ROLES = ("profile", "trust_anchors", "cvmfs", "apptainer", "worker", "pilot")
"""In the order in which they run (`playbooks/contextualise.yml`)."""

FILLED: Mapping[str, frozenset[str]] = {"worker": frozenset({"sha256", "url", "file", "config", "root"})}
"""Options that are not the inventory's to set: the user data fills them."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a role, in the words of Ansible's argument specs; `options` are those of a mapping's entries."""

    type: str = "str"
    required: bool = False
    choices: tuple[Any, ...] = ()
    elements: str = ""
    secret: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)


Roles = Mapping[str, Mapping[str, Option]]
"""By role, its options by name without the role's prefix."""


@cache
def known() -> Roles:
    """Return the roles there are. Raises OSError where the package lacks its files."""
    return read(collection() / "roles")


def read(folder: Path) -> Roles:
    """Return those of `ROLES` that lie in `folder`, with the options that an inventory may set."""
    specs = {role: folder / role / "meta" / "argument_specs.yml" for role in ROLES}
    return MappingProxyType({role: _options(role, path) for role, path in specs.items() if path.exists()})


def _options(role: str, path: Path) -> Mapping[str, Option]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    written = document["argument_specs"]["main"].get("options") or {}
    named = {name.removeprefix(f"{role}_"): spec for name, spec in written.items() if name.startswith(f"{role}_")}
    return {name: _option(spec) for name, spec in named.items() if name not in FILLED.get(role, ())}


def _option(spec: Mapping[str, Any]) -> Option:
    return Option(
        type=spec.get("type", "str"),
        required=bool(spec.get("required")),
        choices=tuple(spec.get("choices", ())),
        elements=spec.get("elements", ""),
        secret=bool(spec.get("no_log")),
        options={name: _option(inner) for name, inner in (spec.get("options") or {}).items()},
    )
