"""What would not work is found before anything is launched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.clouds.libcloud.conftest import pool_of
from vmdirac_py.clouds.api import CloudLimits, Throttled
from vmdirac_py.clouds.libcloud.forms import Named
from vmdirac_py.clouds.libcloud.inspection import named, quota, there, tried

THINGS = [Named("1", "worker-net"), Named("2", "twin"), Named("3", "twin")]


def known(kind: str, name: str) -> Sequence[Named] | None:
    """Know networks only."""
    del name
    return THINGS if kind == "network" else None


@pytest.mark.parametrize(
    ("name", "ok", "said"),
    [
        ("worker-net", True, "is there"),
        ("1", True, "is there"),
        ("worker-nets", False, "did you mean 'worker-net'?"),
        ("twin", False, "2, 3"),
    ],
)
def test_what_a_pool_names_is_there_once(name: str, ok: bool, said: str) -> None:  # noqa: FBT001 - a table's column
    """A name or id that is there once is right; the closest is named otherwise, or the ids of all that are meant."""
    finding = there(pool_of(), "network", name, known)
    assert (finding.ok, finding.about) == (ok, "network of pool-1")
    assert said in f"{finding.text} {finding.mend}"


def test_what_cannot_be_asked_for_is_said() -> None:
    """A kind libcloud cannot list is no failure, and no proof."""
    finding = there(pool_of(), "flavor", "c4", known)
    assert finding.ok
    assert "a launch will tell" in finding.text


@pytest.mark.parametrize(
    ("limits", "ok"),
    [
        (CloudLimits(), True),
        (CloudLimits(max_vms=2, used_vms=1), True),
        (CloudLimits(max_vms=2, used_vms=2), False),
        (CloudLimits(max_vms=9, used_vms=1, max_cores=8, used_cores=8), False),
    ],
)
def test_a_full_quota_is_found(limits: CloudLimits, ok: bool) -> None:  # noqa: FBT001 - a table's column
    """A tenant without room for one more is told; one that tells no limits is not."""
    assert quota(limits).ok is ok


def test_everything_a_pool_names_is_looked_at() -> None:
    """Image, flavor and every option that names something are looked at, and nothing that is not said."""
    options: dict[str, Any] = {"networks": ["a", "b"], "security_groups": ["c"], "key_pair": "d", "zone": ""}
    assert [kind for kind, _ in named(pool_of(**options))] == [
        "flavor", "image", "network", "network", "security group", "key pair",
    ]  # fmt: skip


def test_an_error_is_a_finding() -> None:
    """A look that fails says how, and raises nothing."""

    def fail() -> Any:
        raise Throttled("slow down", mend="wait")

    finding = tried("quota", fail)
    assert (finding.ok, finding.about, finding.text, finding.mend) == (False, "quota", "slow down", "wait")
