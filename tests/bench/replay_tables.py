"""`python -m tests.bench.replay_tables RESULT.json`: the tables of performance.md, from a result of the bench."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vmdirac_py.replay.rules import Production

from .contest import Entry, Row
from .ideas import HOLDS, IDEAS, holding
from .replay import SEEDS, VARIANTS, WAITS, entry_of, over_seeds, rivals, same_as, tuned

HEADS = ("paid / used", "wait", "by work", "worst VO")


def main() -> None:
    """Print them."""
    rows = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["figures"]["replay"]["rows"]
    sys.stdout.write("\n".join(tables(rows)) + "\n")


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines: by inventory production and the tuned rivals, then the curve, then the ideas."""
    for name in VARIANTS:
        yield from ("", f"### Inventory ({name})", "", *_head("rule", "setting", "VMs"))
        yield from _line(rows, Entry(Production.name, name))
        for rival in rivals():
            yield from _line(rows, entry_of(tuned(rows, name, rival)))
    yield from ("", "### Pay against wait, one seed", "", *_head("inventory", "change", "VMs"))
    first = [row for row in rows if row["seed"] == SEEDS[0]]
    for name in VARIANTS:
        yield from _changes(first, name, ["", *map(holding, HOLDS)])
    yield from ("", "### What each idea brought", "", *_head("inventory", "change", "VMs"))
    yield from _changes(rows, "a", [idea for idea in IDEAS if idea not in map(holding, HOLDS)])


def _head(*first: str) -> tuple[str, str]:
    names = (*first, *HEADS)
    return f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"


def _line(rows: Sequence[Row], entry: Entry) -> Iterator[str]:
    same = same_as(rows, entry)
    setting = f"{same[0]['setting']} ({same[0]['inventory']})"
    yield _cells([entry.rule, setting, str(same[0]["vms"])], over_seeds(rows, entry), same)


def _changes(rows: Sequence[Row], name: str, ideas: Iterable[str]) -> Iterator[str]:
    for idea in ideas:
        entry = Entry(Production.name, name, idea=idea)
        same = same_as(rows, entry)
        if same:
            yield _cells([name, idea or "none", str(same[0]["vms"])], over_seeds(rows, entry), same)


def _cells(first: Sequence[str], means: Row, same: Sequence[Row]) -> str:
    worst = ", ".join(sorted({row["worst_vo"] for row in same}))
    waits = [f"{means[what]:.0f} s" for what in WAITS]
    return f"| {' | '.join([*first, format(means['pay'], '.3f'), *waits])} ({worst}) |"


if __name__ == "__main__":
    main()
