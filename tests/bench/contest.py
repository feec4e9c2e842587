"""Replays of one trace by all rules: inventories, one run, and many of them on all cores."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from typing import Any

from msgspec import Struct, structs

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.resources import Resources
from vmdirac_py.replay.api import Result, Rule, Trace
from vmdirac_py.replay.rivals import RIVALS, Static, mean_cores
from vmdirac_py.replay.rules import Production
from vmdirac_py.replay.run import replay
from vmdirac_py.replay.scenario import Boot, Scenario

from . import traces
from .ideas import without

BOOT = Boot(median=300.0, sigma=0.3)
INVENTORIES: Mapping[str, tuple[tuple[int, ...], int | None]] = {
    "a": ((8,), None),
    "b": ((16,), None),
    "c": ((1, 2, 4, 8), 800),
    "c4": ((4,), 800),
}
"""Flavors by their cores, and the most instances at once; `c4` is `c` as somebody would use it who takes one flavor."""
SOME = 10
"""Jobs from which on a VO counts among those of some size."""

Row = Mapping[str, Any]


class Entry(Struct, frozen=True):
    """One run: a rule by name (with the place of its settings), or production without an idea."""

    rule: str
    inventory: str
    seed: int = 1
    place: int = 0
    idea: str = ""
    jobs: int = 0
    """How many jobs of the trace are replayed; 0: all."""


@cache
def trace(jobs: int) -> Trace:
    """Return the first jobs of the bench's trace."""
    whole = traces.trace(jobs=jobs) if jobs else traces.trace()
    return Trace(whole.name, whole.jobs[: jobs or None])


def inventory(name: str, of: Trace) -> Inventory:
    """Return an inventory of the bench, with a pool for each VO and flavor."""
    flavors, most = INVENTORIES[name]
    vos = sorted({job.vo for job in of.jobs})
    pools = {f"{vo}-{cores}": _pool(vo, cores) for vo in vos for cores in flavors}
    endpoint = Endpoint("cloud", "local", "SITE", max_vms=most, ramp=10_000)
    return Inventory(name, {vo: Vo(vo) for vo in vos}, {"cloud": endpoint}, pools)


def _pool(vo: str, cores: int) -> Pool:
    has, life = Resources(cores, 4000 * cores), 30 * traces.DAY
    return Pool(
        f"{vo}-{cores}", "cloud", vo, "SITE", f"{cores}", "", has, price=float(cores), idle_seconds=0.0, max_life=life
    )


def rules(name: str, of: Trace) -> Sequence[Rule]:
    """Return a rule with each of its settings."""
    if name == Production.name:
        return [Production()]
    rival = next(rival for rival in RIVALS if rival.name == name)
    return list(rival.settings(mean_cores(of)) if rival is Static else rival.settings())


def run(entry: Entry) -> Row:
    """Replay once."""
    of = trace(entry.jobs)
    rule = rules(entry.rule, of)[entry.place]
    started = time.process_time()
    with without(entry.idea):
        result = replay(of, inventory(entry.inventory, of), rule=rule, scenario=Scenario(boot=BOOT), seed=entry.seed)
    return {**_about(entry, rule), **_found(result), "cpu_s": round(time.process_time() - started, 1)}


def _about(entry: Entry, rule: Rule) -> Row:
    setting = getattr(rule, "setting", None)
    said = structs.asdict(setting) if setting else {}
    return {**structs.asdict(entry), "setting": ", ".join(f"{name} {value:g}" for name, value in said.items())}


def _found(result: Result) -> Row:
    sized = [vo for vo in result.vos if vo.jobs >= SOME]
    return {
        "pay": round(result.paid_per_used, 4),
        "wait": round(result.excess_mean, 1),
        "wait_by_work": round(result.excess_weighted, 1),
        "wait_worst_vo": round(result.excess_worst_vo, 1),
        "worst_vo": result.worst_vo,
        "wait_worst_sized_vo": round(max((vo.excess_mean for vo in sized), default=0.0), 1),
        "vms": result.vms_started,
        "peak_vms": result.peak_vms,
        "peak_cores": result.peak_cores,
        "unserved": result.unserved,
        "calls": sum(result.calls.values()),
        "plans": result.plans,
        "acting_plans": result.acting_plans,
    }


def all_of(entries: Iterable[Entry]) -> Iterator[Row]:
    """Run them on all cores, and tell on standard error how it goes; rows come as they are done."""
    wanted = list(entries)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(run, entry) for entry in wanted]
        for number, future in enumerate(as_completed(futures), 1):
            row = future.result()
            sys.stderr.write(f"replay {number} of {len(wanted)}: {line(row)}\n")
            yield row


def line(row: Row) -> str:
    """Return a row in words."""
    what = f"{row['rule']} ({row['inventory']}, seed {row['seed']}) {row['setting']}{row['idea']}"
    waits = f"{row['wait']:.0f}/{row['wait_by_work']:.0f}/{row['wait_worst_vo']:.0f} s ({row['worst_vo']})"
    return f"{what}: {row['pay']:.3f}, {waits}, {row['vms']} VMs, {row['cpu_s']} s"
