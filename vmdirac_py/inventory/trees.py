"""The files of a tree, as Ansible looks for them. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from .api import Problem
from .raw import Owner
from .tagged import problem_of

SUFFIXES = ("", ".yml", ".yaml", ".json")  # in the order Ansible tries them; the first found wins, the rest is ignored
FOLDERS = {Owner.GROUP: "group_vars", Owner.HOST: "host_vars"}


def folder_of(path: Path) -> Path:
    """Return the folder that holds `group_vars` and `host_vars`."""
    return path if path.is_dir() else path.parent


def preload(path: Path, loader: DataLoader) -> list[Problem]:
    """Read every YAML file of the tree once, so that all syntax errors are told, not only the first."""
    problems = []
    for file in _yaml_files(path):
        try:
            data = load(loader, file)
        except AnsibleError as error:
            problems.append(problem_of(error, str(file)))
            continue
        if data is not None and not isinstance(data, dict):
            problems.append(Problem(str(file), 1, "", "not a mapping of names to values", "write `name: value` lines"))
    return problems


def load(loader: DataLoader, file: Path) -> Any:
    """Return a file's content, exactly as Ansible's own vars plugin reads (and caches) it."""
    return loader.load_from_file(str(file), cache="all", unsafe=True, trusted_as_template=True)


def vars_files(path: Path, owner: Owner, name: str, loader: DataLoader) -> list[Path]:
    """Return the files Ansible reads for this group or host."""
    folder = folder_of(path) / FOLDERS[owner]
    return [Path(file) for file in loader.find_vars_files(str(folder), name)]


def unread(path: Path, owner: Owner, known: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Yield files and folders Ansible passes over in silence, with the name they are for.

    The name is one of `known` when an earlier suffix took its place.
    """
    folder = folder_of(path) / FOLDERS[owner]
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    for entry in entries:
        name = _name(entry)
        if entry.name.startswith(".") or entry.name.endswith("~") or entry.suffix == ".md":
            continue
        if name not in known or entry != next(_candidates(folder, name)):
            yield entry, name


def _candidates(folder: Path, name: str) -> Iterator[Path]:
    return (folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").exists())


def _name(entry: Path) -> str:
    return entry.stem if entry.suffix in SUFFIXES[1:] and not entry.is_dir() else entry.name


def _yaml_files(path: Path) -> Iterator[Path]:
    roots = [path, *(folder_of(path) / folder for folder in FOLDERS.values())]
    files = {file for root in roots for file in ([root] if root.is_file() else root.rglob("*"))}
    return (
        file
        for file in sorted(files)
        if file.is_file() and file.suffix in SUFFIXES[1:] and not any(part.startswith(".") for part in file.parts[-3:])
    )
