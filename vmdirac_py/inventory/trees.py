"""The files of a tree, as Ansible looks for them. Runs in the child process only."""

# mypy: allow-untyped-calls
# (Ansible has no types)

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import is_encrypted

from .api import Problem
from .raw import Owner
from .tagged import origin_of, problem_of

SUFFIXES = ("", ".yml", ".yaml", ".json")  # in the order Ansible tries them; the first found wins, the rest is ignored
SECTIONS = ("hosts", "children", "vars")
FOLDERS = {Owner.GROUP: "group_vars", Owner.HOST: "host_vars"}


def folder_of(path: Path) -> Path:
    """Return the folder that holds `group_vars` and `host_vars`."""
    return path if path.is_dir() else path.parent


def preload(path: Path, loader: DataLoader) -> list[Problem]:
    """Read every YAML file of the tree once, so that all syntax errors are told, not only the first."""
    problems: list[Problem] = []
    for file in _yaml_files(path):
        try:
            problems += _wrong(file, path, loader)
        except AnsibleError as error:
            problems.append(problem_of(error, str(file)))
        except OSError as error:
            problems.append(Problem(str(file), 0, "", f"cannot be read: {error.strerror}", "mend the file's rights"))
    return problems


def _wrong(file: Path, path: Path, loader: DataLoader) -> Iterator[Problem]:
    if is_encrypted(file.read_bytes()):
        yield Problem(str(file), 1, "", "encrypted as a whole", "encrypt single values: `ansible-vault encrypt_string`")
        return
    data = load(loader, file)
    if data is not None and not isinstance(data, dict):
        yield Problem(str(file), 1, "", "not a mapping of names to values", "write `name: value` lines")
    elif not _is_vars(file, path):
        yield from _sections(str(file), data or {})


def _sections(file: str, groups: Mapping[Any, Any]) -> Iterator[Problem]:
    """Yield the misspelt sections of groups in a YAML inventory; Ansible only warns about them."""
    for group in groups.values():
        for section in group if isinstance(group, dict) else ():
            if section not in SECTIONS:
                near = get_close_matches(str(section), SECTIONS, 1)
                mend = f"did you mean {near[0]}?" if near else f"a group has {', '.join(SECTIONS)}"
                yield Problem(file, origin_of(section).line, str(section), "no section of a group", mend)
        if isinstance(group, dict) and isinstance(group.get("children"), dict):
            yield from _sections(file, group["children"])


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


def _yaml_files(path: Path) -> list[Path]:
    """Return what Ansible would read as YAML: by suffix, and any suffixless file among the variables."""
    folders = [folder_of(path) / folder for folder in FOLDERS.values()]
    files = {file for root in (path, *folders) for file in ([root] if root.is_file() else root.rglob("*"))}
    return sorted(
        file
        for file in files
        if file.is_file()
        and file.suffix in SUFFIXES[0 if _is_vars(file, path) else 1 :]
        and not any(part.startswith(".") for part in file.relative_to(folder_of(path)).parts)
    )


def _is_vars(file: Path, path: Path) -> bool:
    return file.relative_to(folder_of(path)).parts[0] in FOLDERS.values()
