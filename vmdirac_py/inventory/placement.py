"""What is set where: unknown keys, keys in the wrong kind of group, and one key set in two files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from .api import Problem
from .keys import KEYS
from .raw import Owner, Setting

THINGS = ("endpoint", "vo", "pool")


def thing_of(name: str) -> str | None:
    """Return `endpoint`, `vo` or `pool` for a key or group of that prefix, else None."""
    prefix, underscore, _ = name.partition("_")
    return prefix if underscore and prefix in THINGS else None


def problems(settings: Iterable[Setting]) -> Iterator[Problem]:
    """Yield what is wrong with the places of these settings."""
    first: dict[tuple[Owner, str, str], Setting] = {}
    for setting in settings:
        before = first.setdefault((setting.owner, setting.name, setting.key), setting)
        if before.origin.file != setting.origin.file:
            yield _twice(setting, before)
        if problem := _unknown(setting) or _misplaced(setting):
            yield problem


def _twice(setting: Setting, before: Setting) -> Problem:
    return setting.origin.problem(
        setting.key,
        f"{setting.owner} {setting.name} has this key in {before.origin.file}:{before.origin.line} too",
        "keep one of the two: Ansible would silently take the last",
    )


def _unknown(setting: Setting) -> Problem | None:
    if thing_of(setting.key) is None or setting.key in KEYS:
        return None
    near = get_close_matches(setting.key, KEYS, 1)
    mend = f"did you mean {near[0]}?" if near else "`vmdirac inventory keys` lists them all"
    return setting.origin.problem(setting.key, "unknown key", mend)


def _misplaced(setting: Setting) -> Problem | None:
    thing = thing_of(setting.key)
    if thing in {None, "pool"}:
        return None
    if setting.owner is Owner.GROUP and thing_of(setting.name) == thing:
        return None
    return setting.origin.problem(
        setting.key,
        f"does not belong to {setting.owner} {setting.name}",
        f"set it in the group_vars of a group named {thing}_...",
    )
