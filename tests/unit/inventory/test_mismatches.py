from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vmdirac_py.inventory.api import Problem
from vmdirac_py.inventory.load import load

SMALL, ALPHA, ENDPOINT = "host_vars/small.yml", "group_vars/vo_alpha.yml", "group_vars/endpoint_here.yml"
Problems = Callable[[dict[str, str | None]], list[Problem]]


@pytest.mark.parametrize(
    ("lines", "key", "what"),
    [
        ("pool_mode: static", "pool_mode", "needs its number of VMs"),
        ("pool_mode: warm", "pool_mode", "number of its empty VMs"),
        ("pool_mode: manual\npool_min_vms: 1", "pool_min_vms", "nothing keeps up"),
        ("pool_mode: elastisch", "pool_mode", "must be one of elastic, static, warm, manual"),
        ("pool_min_life: 7200\npool_max_life: 3600", "pool_min_life", "lives at least 7200 s and at most 3600 s"),
        ("pool_benchmark: 0", "pool_benchmark", "must be between 0.01 and 100"),
        ("pool_campaign_start: 2026-11-01", "pool_campaign_start", "lacks its time zone"),
        ("pool_campaign_start: soon", "pool_campaign_start", "wants a date and time"),
        ("pool_campaign_start: 2026-11-02T00:00:00Z\npool_campaign_end: 2026-11-01T00:00:00Z",
         "pool_campaign_end", "ends before it starts"),
        ("pool_stop_policies: [no_jobs, sometimes]", "pool_stop_policies", "no stop policy 'sometimes'"),
        ("pool_stop_policies: []", "pool_stop_policies", "names no policy"),
        ("pool_stop_policies: [never, no_jobs]", "pool_stop_policies", "does not go with"),
        ("pool_stop_policies: [soft_end]", "pool_stop_policies", "needs to know when"),
    ],
)  # fmt: skip
def test_a_pool_that_cannot_be(problems: Problems, lines: str, key: str, what: str) -> None:
    """What does not go together is told at the key that must be mended."""
    (found,) = problems({SMALL: f"pool_cores: 2\npool_boot_deadline: 600\n{lines}\n"})
    assert found.key == key
    assert what in found.what
    assert found.file == SMALL


@pytest.mark.parametrize(
    ("line", "key", "what"),
    [
        ("vo_group_max_cores: {beta_prod: 8}", "vo_group_max_cores", "beta_prod is not one of this VO"),
        ("vo_group_max_vms: {beta_prod: 8}", "vo_group_max_vms", "beta_prod is not one of this VO"),
        ("vo_group_max_cores: {alpha_user: -1}", "vo_group_max_cores", "at least 0"),
        ("vo_group_max_cores: {alpha_user: many}", "vo_group_max_cores", "wants a whole number"),
        ("vo_share: 0", "vo_share", "must be between 0.001"),
        ("vo_budget: 100", "vo_budget", "none of the VO's pools has a price"),
        ("vo_budget: -1", "vo_budget", "must be at least 0"),
        ("vo_budget_warn: 80", "vo_budget_warn", "must be between 0 and 1"),
    ],
)
def test_a_vo_that_cannot_be(problems: Problems, line: str, key: str, what: str) -> None:
    """Limits of groups that are not the VO's, and budgets that never bind, are refused."""
    (found,) = problems({ALPHA: f"vo_groups: [alpha_user]\n{line}\n"})
    assert (found.file, found.key) == (ALPHA, key)
    assert what in found.what


@pytest.mark.parametrize("moment", ["2026-11-01T00:00:00+01:00", "'2026-10-31T23:00:00Z'", "2026-10-31 23:00:00+00:00"])
def test_moments_are_read_with_their_zone(tree: Callable[..., Path], moment: str) -> None:
    """A time means the same moment however it is written, in quotes or not."""
    inventory = load(tree({SMALL: f"pool_cores: 2\npool_campaign_start: {moment}\n"}))
    assert inventory.pools["small"].campaign_start == 1793487600.0


def test_limits_arrive_as_written(tree: Callable[..., Path], good: dict[str, str]) -> None:
    """Limits by group, shares, budgets and reserves reach the model."""
    vo = "vo_groups: [alpha_user]\nvo_group_max_cores: {alpha_user: 100}\nvo_share: 2\nvo_budget: 50.5\n"
    changes = {
        ALPHA: vo,
        SMALL: "pool_cores: 2\npool_price: 0.5\npool_mode: static\npool_max_vms: 3\n",
        ENDPOINT: good[ENDPOINT] + "endpoint_reserve_cores: 16\n",
    }
    inventory = load(tree(changes))
    alpha = inventory.vos["alpha"]
    assert (alpha.group_max_cores, alpha.share, alpha.budget) == ({"alpha_user": 100}, 2.0, 50.5)
    assert inventory.pools["small"].mode == "static"
    assert inventory.endpoints["here"].reserve_cores == 16
