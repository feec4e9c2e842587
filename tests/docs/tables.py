"""Tables made from the code, and the pages they stand in between two markers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vmdirac_py.base.settings import Settings
from vmdirac_py.inventory.keys import KEYS
from vmdirac_py.lifecycle.budget import ENDPOINT_BACKOFF, MATCH_BACKOFF, POOL_BACKOFF
from vmdirac_py.lifecycle.overdue import WAYS
from vmdirac_py.lifecycle.states import DEADLINES, EDGES
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.replay.traces.gathering import CAUSES, MENDS

from .pages import ROOT

BETWEEN = re.compile(r"(?P<begin><!-- made from code: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = (columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def keys_of(thing: str) -> str:
    """Return the inventory's keys of an endpoint, VO or pool."""
    rows = [
        (f"`{key.name}`", key.type.name, "**required**" if key.required else _default(key.default), key.about.meaning)
        for key in KEYS.values()
        if key.thing == thing
    ]
    return table(("key", "type", "default", "meaning"), rows)


def settings() -> str:
    """Return the keys of `vmdirac.yml`."""
    rows = [
        (f"`{name}`", _default(None if field.is_required() else field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return table(("key", "default", "meaning"), rows)


def _default(value: Any) -> str:
    return "" if value in (None, "", ()) else f"`{value}`"


def states() -> str:
    """Return the edges between the states of a VM."""
    rows = [(str(was), str(to), cause) for was, ways in EDGES.items() for to, cause in ways.items()]
    return table(("from", "to", "because"), rows)


class Written:
    """A number that is not known, under its name in the code."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, field: str) -> Written:
        """Return a field of it."""
        return Written(f"{self._name}.{field}")

    def __add__(self, other: object) -> Written:
        """Return the sum as it is written."""
        return Written(f"{self._name} + {other:g}" if isinstance(other, float) else f"{self._name} + {other}")

    def __str__(self) -> str:
        """Return the name."""
        return self._name


def deadlines() -> str:
    """Return how long each state may last, and what follows."""
    rows = [(str(state), _until(state), *_way(state)) for state in EDGES if state in WAYS]
    return table(("state", "until", "then", "without an instance", "with payloads running"), rows)


def _until(state: Any) -> str:
    vm, pool, endpoint, at = (Written(name) for name in ("vm", "pool", "endpoint", "entered"))
    until: Callable[..., object] = DEADLINES[state]
    return f"`{until(vm, pool, endpoint, at)}`"


def _way(state: Any) -> tuple[str, str, str]:
    way = WAYS[state]
    return (
        str(way.to),
        str(way.without_instance or ""),
        "an alarm, unless `pool_kill_busy`" if way.ends_payloads else "",
    )


def backoffs() -> str:
    """Return the first back-off of each class of error, by scope."""
    scopes = (ENDPOINT_BACKOFF, POOL_BACKOFF, MATCH_BACKOFF)
    rows = [(f"`{one.value}`", *(_seconds(scope, one) for scope in scopes)) for one in ErrorClass]
    return table(("error", "the endpoint rests", "the pool rests", "the pool rests for jobs of that shape"), rows)


def _seconds(backoff: Mapping[ErrorClass, float], one: ErrorClass) -> str:
    return f"{backoff[one]:g} s" if one in backoff else ""


def _counted(causes: Mapping[str, str]) -> str:
    return table(("cause", "counts"), [(f"`{cause}`", meaning) for cause, meaning in causes.items()])


TABLES: Mapping[str, Callable[[], str]] = {
    "endpoint-keys": lambda: keys_of("endpoint"),
    "vo-keys": lambda: keys_of("vo"),
    "pool-keys": lambda: keys_of("pool"),
    "settings": settings,
    "vm-states": states,
    "vm-deadlines": deadlines,
    "backoffs": backoffs,
    "trace-causes": lambda: _counted(CAUSES),
    "trace-mends": lambda: _counted(MENDS),
}
PAGES: Mapping[str, Sequence[str]] = {
    "docs/inventory.md": ("endpoint-keys", "vo-keys", "pool-keys"),
    "docs/settings.md": ("settings",),
    "docs/architecture.md": ("vm-states", "vm-deadlines", "backoffs"),
    "docs/replay.md": ("trace-causes", "trace-mends"),
}


def problems() -> list[str]:
    """Return every table that is not what the code says, or is missing."""
    return [problem for page, names in PAGES.items() for problem in _problems(page, names)]


def write() -> None:
    """Make every table anew."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(_renewed(path.read_text()))


def _problems(page: str, names: Sequence[str]) -> list[str]:
    text = (ROOT / page).read_text()
    found = [match["name"] for match in BETWEEN.finditer(text)]
    missing = [f"{page}: no table {name}" for name in names if name not in found]
    stale = [f"{page}: a table is not what the code says; run `python -m tests.docs --write`"]
    return missing + (stale if _renewed(text) != text else [])


def _renewed(text: str) -> str:
    return BETWEEN.sub(lambda match: f"{match['begin']}{TABLES[match['name']]()}{match['end']}", text)
