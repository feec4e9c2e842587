"""The trace replayed by production and by tuned rivals on three inventories: paid per used, and waits beyond a boot.

`python -m tests.bench.replay_tables RESULT.json` prints the tables of performance.md from a result of the bench.
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
    best = {(name, rival): tuned(rows, name, rival) for name in VARIANTS for rival in rivals()}
    rows += all_of(_again(list(best.values()), seeds))
    found = {key: value for name in VARIANTS for key, value in _figures(name, rows, best).items()}
    return {**found, **replay_speed.measured(jobs), "jobs": float(len(trace(jobs).jobs)), "rows": rows}


def rivals() -> list[str]:
    """Return the names of all rivals."""
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
            for rival in rivals():
                for place in range(len(rules(rival, trace(jobs)))):
                    yield Entry(rival, variant, place=place, jobs=jobs)


def tuned(rows: Sequence[Row], name: str, rival: str) -> Row:
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


def _figures(name: str, rows: Sequence[Row], best: Mapping[tuple[str, str], Row]) -> dict[str, float]:
    ours = over_seeds(rows, Entry(Production.name, name))
    theirs = [over_seeds(rows, entry_of(best[name, rival])) for rival in rivals()]
    cheapest = min((row for row in theirs if max(row["wait"], row["wait_by_work"]) <= LIMIT), key=_pay, default=ours)
    every = [row for row in rows if row["rule"] != Production.name and row["inventory"] in VARIANTS[name]]
    return {
        **{f"{name}_{what}": ours[what] for what in ("pay", *WAITS)},
        f"{name}_best_rival_pay": cheapest["pay"],
        f"{name}_of_best_rival": ours["pay"] / cheapest["pay"],
        f"{name}_of_rival_at_equal_wait": max(_at_equal_wait(row, _curve(name, rows)) for row in theirs),
        f"{name}_tuned_rivals_that_dominate": float(sum(dominates(row, ours) for row in theirs)),
        f"{name}_rival_rows_that_dominate": float(sum(dominates(row, ours) for row in every if _served(row))),
        f"{name}_cheaper_at_no_longer_wait": float(
            sum(row["pay"] < ours["pay"] and row["wait"] <= ours["wait"] for row in every if _served(row))
        ),
    }


def _curve(name: str, rows: Sequence[Row]) -> list[Row]:
    """Return production's rows on an inventory, for one seed, with each hold."""
    ideas = {"", *map(holding, HOLDS)}
    own = (row for row in rows if (row["rule"], row["inventory"], row["seed"]) == (Production.name, name, SEEDS[0]))
    return [row for row in own if row["idea"] in ideas]


def _at_equal_wait(row: Mapping[str, float], curve: Sequence[Row]) -> float:
    """Return what we pay in parts of a rival where we wait no longer than it, or as little as we ever do."""
    wait = max(row["wait"], min(one["wait"] for one in curve))
    return min(_pay(one) for one in curve if one["wait"] <= wait) / row["pay"]


def _pay(row: Row) -> float:
    return float(row["pay"])


def entry_of(row: Row) -> Entry:
    """Return the run of a row, without its seed."""
    return Entry(row["rule"], row["inventory"], place=row["place"])


def same_as(rows: Sequence[Row], of: Entry) -> list[Row]:
    """Return the rows of one rule with one setting."""
    return [row for row in rows if all(row[key] == getattr(of, key) for key in ("rule", "inventory", "place", "idea"))]


def over_seeds(rows: Sequence[Row], of: Entry) -> dict[str, float]:
    """Return the means over the seeds of one rule with one setting."""
    same = same_as(rows, of)
    return {what: fmean(row[what] for row in same) for what in ("pay", *WAITS)}


def dominates(row: Row, ours: Row) -> bool:
    """Tell whether a row is nowhere worse than ours."""
    return all(row[what] <= ours[what] for what in ("pay", *WAITS))
