"""Ansible's view of a tree: who is in which group, what is set where, and the templated values.

Runs in the child process only. Only `endpoint_*`, `vo_*` and `pool_*` values leave it.
"""

# mypy: allow-untyped-calls
# (Ansible has no types)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.vars.manager import VariableManager
from ansible.vars.reserved import is_reserved_name

from .api import Problem
from .parsing import Parsed, parse
from .raw import Entity, Origin, Owner, Raw, Setting
from .tagged import origin_of
from .templating import render
from .trees import preload

ENDPOINT, VO, POOL = "endpoint_", "vo_", "pool_"


def read(path: str) -> Raw:
    """Read the tree at `path`; what cannot be read is among the problems."""
    init_plugin_loader()
    loader = DataLoader()  # without vault secrets: nothing encrypted is ever opened in this process
    problems = preload(Path(path), loader)
    if problems:
        return Raw(problems=tuple(problems))
    try:
        parsed = parse(path, loader)
        return _raw(parsed, VariableManager(loader, parsed.inventory), loader)
    except AnsibleError as error:
        return Raw(problems=(Problem(path, 0, "", " ".join(str(error.message).split())),))


def _raw(parsed: Parsed, variables: VariableManager, loader: DataLoader) -> Raw:
    builder = Builder(loader, [*parsed.problems, *_reserved(parsed.settings)])
    groups = [builder.group(group, parsed) for group in parsed.inventory.groups.values()]
    hosts = [builder.host(host, variables) for host in parsed.inventory.hosts.values()]
    return Raw(tuple(groups), tuple(hosts), parsed.settings, tuple(builder.problems))


@dataclass
class Builder:
    """Makes entities, and gathers what cannot be templated."""

    loader: DataLoader
    problems: list[Problem]

    def group(self, group: Group, parsed: Parsed) -> Entity:
        """Return a group with its own values, templated with its own and its ancestors' variables, not its hosts'."""
        own = parsed.values.get((Owner.GROUP, group.name), {})
        around = sorted(group.get_ancestors(), key=lambda other: (other.depth, other.priority, other.name))
        context: dict[str, Any] = {"inventory_dir": parsed.folder}
        for other in (*around, group):
            context |= parsed.values.get((Owner.GROUP, other.name), {})
        wanted = {key: value for key, value in own.items() if key.startswith((ENDPOINT, VO))}
        return self._entity(Entity(group.name, origin_of(group.name), _names(around)), wanted, context)

    def host(self, host: Host, variables: VariableManager) -> Entity:
        """Return a host with the pool values that hold for it in the end."""
        context = variables.get_vars(host=host, include_hostvars=False)
        wanted = {key: value for key, value in context.items() if key.startswith(POOL)}
        origin = origin_of(host.name)
        if not origin.file:
            origin = Origin(str(host.vars.get("inventory_file") or ""))
        return self._entity(Entity(host.name, origin, _names(host.get_groups())), wanted, context)

    def _entity(self, bare: Entity, wanted: Mapping[str, Any], context: Mapping[str, Any]) -> Entity:
        rendered = render(wanted, context, self.loader)
        self.problems += rendered.problems
        return replace(bare, name=str(bare.name), values=rendered.values, origins=rendered.origins)


def _names(groups: Iterable[Group]) -> tuple[str, ...]:
    return tuple(sorted(str(group.name) for group in groups))


def _reserved(settings: Iterable[Setting]) -> list[Problem]:
    return [
        setting.origin.problem(setting.key, "this name belongs to Ansible", "choose another name")
        for setting in settings
        if is_reserved_name(setting.key)
    ]
