"""Ansible's inventory manager, made to remember every setting and its place. Runs in the child process only."""

# mypy: allow-untyped-calls
# (Ansible has no types)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader

from .api import Problem
from .raw import Origin, Owner, Setting
from .tagged import origin_of, problem_of
from .trees import folder_of, load, unread, vars_files


class Recorder(InventoryData):
    """Inventory data that remembers who set what: Ansible itself keeps only the last value."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Owner, str, str, Any, str]] = []

    def set_variable(self, entity: str, varname: str, value: Any) -> None:
        """Set a variable of a group or host."""
        super().set_variable(entity, varname, value)
        if varname not in {"inventory_file", "inventory_dir"}:
            owner = Owner.GROUP if entity in self.groups else Owner.HOST
            self.seen.append((owner, entity, varname, value, self.current_source or ""))


class Manager(InventoryManager):
    """An inventory manager that goes on after a broken file."""

    def __init__(self, loader: DataLoader, path: str) -> None:
        super().__init__(loader, [path], parse=False)
        self._inventory = self.recorder = Recorder()  # the only way to see each setting, not only the last
        self.problems: list[Problem] = []
        self.parse_sources()

    def parse_source(self, source: str, cache: bool = False) -> bool:  # noqa: FBT001, FBT002 - Ansible's signature
        """Parse a file, or each file of a folder."""
        try:
            return bool(super().parse_source(source, cache=cache))
        except AnsibleError:
            self.problems.append(self._why(source))
            return False

    def _why(self, source: str) -> Problem:
        """Return the parser's own words; the manager only prints them."""
        plugin = "yaml" if Path(source).suffix in {".yml", ".yaml", ".json"} else "ini"
        try:
            inventory_loader.get(plugin).parse(InventoryData(), self._loader, source)
        except AnsibleError as error:
            return problem_of(error, source)
        return Problem(source, 0, "", "not an inventory in YAML or INI", "mend it, or move it out of the inventory")


@dataclass
class Parsed:
    """The inventory, every setting, and the last value of each; values keep Ansible's tags."""

    inventory: InventoryManager
    folder: str
    settings: tuple[Setting, ...] = ()
    values: dict[tuple[Owner, str], dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse(path: str, loader: DataLoader) -> Parsed:
    """Parse the sources and note what `group_vars` and `host_vars` set."""
    manager = Manager(loader, path)
    parsed = Parsed(manager, str(folder_of(Path(path))), problems=manager.problems)
    settings = []
    for owner, name, key, value, file in _all_settings(manager, Path(path), loader):
        origin = origin_of(key, value)
        settings.append(Setting(owner, str(name), str(key), origin if origin.file else Origin(str(file))))
        parsed.values.setdefault((owner, str(name)), {})[str(key)] = value
    parsed.settings = tuple(settings)
    for owner, names in _names(manager).items():
        parsed.problems += _unread(Path(path), owner, names)
    return parsed


def _names(manager: Manager) -> dict[Owner, list[str]]:
    return {Owner.GROUP: list(map(str, manager.groups)), Owner.HOST: list(map(str, manager.hosts))}


def _all_settings(manager: Manager, path: Path, loader: DataLoader) -> Iterator[tuple[Owner, str, str, Any, str]]:
    yield from manager.recorder.seen
    for owner, names in _names(manager).items():
        for name in names:
            for file in vars_files(path, owner, name, loader):
                for key, value in (load(loader, file) or {}).items():
                    yield owner, name, key, value, str(file)


def _unread(path: Path, owner: Owner, names: list[str]) -> Iterator[Problem]:
    for file, name in unread(path, owner, names):
        if name in names:
            yield Problem(
                str(file),
                0,
                "",
                f"Ansible passes over this: {owner} {name} is read elsewhere",
                "keep one file or one folder per name",
            )
        else:
            near = get_close_matches(name, names, 1)
            yield Problem(
                str(file),
                0,
                "",
                f"there is no {owner} {name}",
                f"did you mean {near[0]}?" if near else f"add the {owner}, or remove this",
            )
