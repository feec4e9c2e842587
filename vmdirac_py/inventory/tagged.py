"""Ansible's tagged values: where they come from, and the plain values inside. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible._internal._datatag._tags import Origin as Tag
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultHelper

from .api import Problem
from .raw import Origin

VAULT = "vault:"


def origin_of(*values: Any) -> Origin:
    """Return where the first value that knows it was written."""
    for value in values:
        tag = Tag.get_tag(value)
        if tag and tag.path:
            return Origin(str(tag.path), tag.line_num or 0)
    return Origin()


def plain(value: Any) -> Any:
    """Return JSON values only; an encrypted value becomes the reference `vault:CIPHERTEXT`, dates become text."""
    if (ciphertext := VaultHelper.get_ciphertext(value, with_tags=False)) is not None:
        return VAULT + str(ciphertext)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def places(key: str, value: Any) -> Iterator[tuple[str, Origin]]:
    """Yield `key` and the dotted names inside a mapping, each with its origin."""
    yield key, origin_of(key, value)
    if isinstance(value, Mapping):
        for name, entry in value.items():
            for inner, origin in places(str(name), entry):
                yield f"{key}.{inner}", origin if origin.file else origin_of(name)


def problem_of(error: AnsibleError, file: str) -> Problem:
    """Return a parser's complaint with its line, without the excerpt (it might show a secret)."""
    mark = getattr(error.__cause__, "problem_mark", None)
    line = mark.line + 1 if mark else origin_of(error.obj).line
    return Problem(file, line, "", " ".join(str(error.message).split()), "mend the file's syntax")
