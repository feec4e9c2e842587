"""The arithmetic of the figure `replay`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import contest, replay, replay_tables
from tests.bench.contest import Entry
from vmdirac_py.replay.rivals import BestFit, CloudCe

FEW = (CloudCe, BestFit)


def row(rule: str = "static", inventory: str = "a", seed: int = 1, place: int = 0, **more: Any) -> dict[str, Any]:
    """A row of which everything but what is given is of no account."""
    about = {"rule": rule, "inventory": inventory, "seed": seed, "place": place, "idea": "", "setting": "", "vms": 1}
    waits = {"pay": 1.5, "wait": 10.0, "wait_by_work": 10.0, "wait_worst_vo": 10.0, "worst_vo": "vo1", "unserved": 0}
    return {**about, **waits, **more}


def test_the_cheapest_setting_that_waits_little_is_best() -> None:
    """Cheaper ones that let jobs wait for minutes, or leave some out, do not count."""
    rows = [row(place=0, pay=1.2, wait=70.0), row(place=1, pay=1.4), row(place=2, pay=1.1, unserved=1), row(place=3)]
    assert replay.tuned(rows, "a", "static")["place"] == 1


def test_where_none_waits_little_the_shortest_wait_is_best() -> None:
    """A rival that never keeps to the limit is taken at its least wait."""
    rows = [row(place=0, pay=1.2, wait=700.0), row(place=1, pay=1.4, wait=90.0)]
    assert replay.tuned(rows, "a", "static")["place"] == 1


def test_a_rival_may_keep_to_one_flavor() -> None:
    """On (c) it is tuned over both ways to use the inventory."""
    rows = [row(inventory="c", pay=1.6), row(inventory="c4", pay=1.5), row(inventory="a", pay=1.0)]
    assert replay.tuned(rows, "c", "static")["inventory"] == "c4"


def test_means_are_over_the_seeds_of_one_setting() -> None:
    """Other settings and other ideas stay out of it."""
    rows = [row(seed=1, pay=1.0), row(seed=2, pay=2.0), row(seed=3, place=1, pay=9.0), row(seed=3, idea="x", pay=9.0)]
    assert replay.over_seeds(rows, Entry("static", "a"))["pay"] == 1.5


@pytest.mark.parametrize(("worse", "dominates"), [({}, True), ({"pay": 1.6}, False), ({"wait_worst_vo": 11.0}, False)])
def test_to_dominate_is_to_be_nowhere_worse(worse: dict[str, float], dominates: bool) -> None:  # noqa: FBT001 - a table
    """Pay and all three waits count."""
    assert replay.dominates(row(**worse), row()) is dominates


def test_a_small_figure_has_all_it_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    """All settings of the rules are in the rows, limits are kept, and tables are made of them."""
    monkeypatch.setattr(replay, "QUICK_JOBS", 30)
    monkeypatch.setattr(replay, "RIVALS", FEW)
    monkeypatch.setattr(replay, "VARIANTS", {"a": ("a",), "c": ("c", "c4")})
    monkeypatch.setattr(replay_tables, "VARIANTS", replay.VARIANTS)
    monkeypatch.delenv("VMDIRAC_TRACE", raising=False)
    found = replay.measure(quick=True)
    rows = found["rows"]
    rival = [one for one in rows if one["rule"] != "production"]
    assert len(rival) == len(FEW) * 6 * 3
    assert all(one["peak_vms"] <= 800 for one in rows if one["inventory"] in {"c", "c4"})
    assert found["replay_plans"] >= found["replay_acting_plans"] > 0
    lines = list(replay_tables.tables(rows))
    assert all(any(one.startswith(f"| {rival.name} |") for one in lines) for rival in FEW)


def test_the_inventories_are_those_of_the_figure() -> None:
    """(c) has four flavors for each VO, at most 800 VMs, and a price that is the same for each core."""
    of = contest.trace(200)
    found = contest.inventory("c", of)
    vos = {job.vo for job in of.jobs}
    assert sorted(pool.resources.cores for pool in found.pools.values()) == sorted([1, 2, 4, 8] * len(vos))
    assert {pool.price / pool.resources.cores for pool in found.pools.values()} == {1.0}
    assert [one.max_vms for one in found.endpoints.values()] == [800]
