"""How commands print: tables for people, JSON for programs, errors with what to mend."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs
from rich.console import Console
from rich.table import Table

from vmdirac_py.model.reason import Reason

console = Console(width=None if sys.stdout.isatty() else 240)
errors = Console(stderr=True)


def print_json(value: object) -> None:
    """Print a value as JSON on standard output."""
    json.dump(plain(value), sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


def plain(value: Any) -> Any:
    """Return a value as what JSON knows: structs and dataclasses as objects, sets as sorted lists, keys as text."""
    value = _named(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if value in (float("inf"), float("-inf")) else value


def _named(value: Any) -> Any:
    """Return the fields of a value by name, with its version if it has one; what has none as it is."""
    if isinstance(value, Struct):
        tagged = value.__struct_config__
        return ({tagged.tag_field: tagged.tag} if tagged.tag_field else {}) | structs.asdict(value)
    if isinstance(value, Reason):
        return {"code": value.code, "params": value.as_dict}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value


def _key(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; empty cells for None."""
    made = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def clock_time(at: float) -> str:
    """Return a moment as local date and time; empty for 0."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""


def span(seconds: float) -> str:
    """Return a duration in one or two units."""
    seconds = max(0, int(seconds))
    for size, unit, next_size, next_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // next_size} {next_unit}"
    return f"{seconds} s"
