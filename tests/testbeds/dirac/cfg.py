"""DIRAC's configuration language, written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "str | int | Sequence[str] | Section"
Section: TypeAlias = Mapping[str, Value]


def text(section: Section) -> str:
    """Return the text of a section's options and sections."""
    return "".join(f"{line}\n" for line in _lines(section, ""))


def _lines(section: Section, indent: str) -> Iterator[str]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from (f"{indent}{name}", f"{indent}{{")
            yield from _lines(value, indent + "  ")
            yield f"{indent}}}"
        else:
            yield f"{indent}{name} = {_written(value)}"


def _written(value: str | int | Sequence[str]) -> str:
    if isinstance(value, str | int):
        return str(value)
    return ", ".join(value)
