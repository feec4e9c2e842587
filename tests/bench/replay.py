"""The trace replayed by production and by tuned rivals on three inventories: paid per used, and waits beyond a boot.

`python -m tests.bench.replay RESULT.json` prints the tables of performance.md from a result of the bench.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from vmdirac_py.replay.rivals import RIVALS
from vmdirac_py.replay.rules import Production

from . import replay_speed
from .contest import Entry, Row, all_of, rules, trace
from .ideas import HOLDS, IDEAS, holding

RUNS = 1
SEEDS = (1, 2, 3)
LIMIT = 60.0
"""Seconds beyond a boot that jobs should wait at most, on average."""
WAITS = ("wait", "wait_by_work", "wait_worst_vo")
QUICK_JOBS = 6_000
VARIANTS: Mapping[str, Sequence[str]] = {"a": ("a",), "b": ("b",), "c": ("c", "c4")}
"""On which inventories a rival is tuned for each; production has the first alone."""


def measure(*, quick: bool) -> dict[str, Any]:
    """Return the figures of each inventory, what a replay costs, and all rows."""
    jobs, seeds = (QUICK_JOBS, SEEDS[:1]) if quick else (0, SEEDS)
    rows = list(all_of([*_ours(jobs, seeds), *_tuning(jobs)]))
    tuned = {(name, rival): _tuned(rows, name, rival) for name in VARIANTS for rival in _rivals()}
    rows += all_of(_again(list(tuned.values()), seeds))
    found = {key: value for name in VARIANTS for key, value in _figures(name, rows, tuned).items()}
    return {**found, **replay_speed.measured(jobs), "jobs": float(len(trace(jobs).jobs)), "rows": rows}


def _rivals() -> list[str]:
    return [rival.name for rival in RIVALS]


def _ours(jobs: int, seeds: Sequence[int]) -> Iterator[Entry]:
    """Yield production on all inventories, its curve, and on the first one what it is without each idea."""
    for name in VARIANTS:
        for seed in seeds:
            yield Entry(Production.name, name, seed, jobs=jobs)
        for boots in HOLDS:
            yield Entry(Production.name, name, idea=holding(boots), jobs=jobs)
    for idea in IDEAS.keys() - {"", *map(holding, HOLDS)}:
        for seed in seeds:
            yield Entry(Production.name, "a", seed, idea=idea, jobs=jobs)


def _tuning(jobs: int) -> Iterator[Entry]:
    """Yield each rival with each of its settings, with the first seed."""
    for variants in VARIANTS.values():
        for variant in variants:
            for rival in _rivals():
                for place in range(len(rules(rival, trace(jobs)))):
                    yield Entry(rival, variant, place=place, jobs=jobs)


def _tuned(rows: Sequence[Row], name: str, rival: str) -> Row:
    """Return the row of a rival's best setting: the cheapest with waits within the limit, else the shortest waits."""
    own = [row for row in rows if row["rule"] == rival and row["inventory"] in VARIANTS[name]]
    within = [row for row in own if _served(row) and max(row["wait"], row["wait_by_work"]) <= LIMIT]
    if within:
        return min(within, key=lambda row: row["pay"])
    return min(own, key=lambda row: (row["unserved"], max(row["wait"], row["wait_by_work"])))


def _served(row: Row) -> bool:
    return not row["unserved"]


def _again(tuned: Sequence[Row], seeds: Sequence[int]) -> Iterator[Entry]:
    for row in tuned:
        for seed in seeds[1:]:
            yield Entry(row["rule"], row["inventory"], seed, row["place"], jobs=row["jobs"])


def _figures(name: str, rows: Sequence[Row], tuned: Mapping[tuple[str, str], Row]) -> dict[str, float]:
    ours = _over_seeds(rows, Entry(Production.name, name))
    theirs = [_over_seeds(rows, _entry(tuned[name, rival])) for rival in _rivals()]
    best = min((row for row in theirs if max(row["wait"], row["wait_by_work"]) <= LIMIT), key=_pay, default=ours)
    every = [row for row in rows if row["rule"] != Production.name and row["inventory"] in VARIANTS[name]]
    return {
        **{f"{name}_{what}": ours[what] for what in ("pay", *WAITS)},
        f"{name}_best_rival_pay": best["pay"],
        f"{name}_of_best_rival": ours["pay"] / best["pay"],
        f"{name}_tuned_rivals_that_dominate": float(sum(_dominates(row, ours) for row in theirs)),
        f"{name}_rival_rows_that_dominate": float(sum(_dominates(row, ours) for row in every if _served(row))),
        f"{name}_cheaper_at_no_longer_wait": float(
            sum(row["pay"] < ours["pay"] and row["wait"] <= ours["wait"] for row in every if _served(row))
        ),
    }


def _pay(row: Row) -> float:
    return float(row["pay"])


def _entry(row: Row) -> Entry:
    return Entry(row["rule"], row["inventory"], place=row["place"])


def _over_seeds(rows: Sequence[Row], of: Entry) -> dict[str, float]:
    """Return the means over the seeds of one rule with one setting."""
    same = [row for row in rows if all(row[key] == getattr(of, key) for key in ("rule", "inventory", "place", "idea"))]
    return {what: fmean(row[what] for row in same) for what in ("pay", *WAITS)}


def _dominates(row: Row, ours: Row) -> bool:
    """Tell whether a row is nowhere worse than ours."""
    return all(row[what] <= ours[what] for what in ("pay", *WAITS))
