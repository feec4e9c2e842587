from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from vmdirac_py.base.content import collection
from vmdirac_py.inventory.api import Problem
from vmdirac_py.inventory.bounds import JOBS, OVER, problems

RULES = yaml.safe_load((collection() / "roles/profile/vars/main.yml").read_text())["profile_rules"]


@pytest.mark.parametrize(
    ("role", "option", "value"),
    [
        ("worker", "payload_users", 101),
        ("worker", "payload_users", -1),
        ("profile", "scratch_mount", "/var/lib/vmdirac"),
        ("profile", "scratch_mount", "/var//lib/vmdirac/"),
        ("profile", "scratch_mount", "/"),
    ],
)
def test_an_option_keeps_its_bounds(role: str, option: str, value: Any) -> None:
    """What a boot would fail at is refused by the option's name."""
    assert [key for key, *_ in problems({role: {option: value}})] == [f"pool_context.{role}.{option}"]


@pytest.mark.parametrize("folder", ["", JOBS, "/scratch"])
def test_what_is_within_its_bounds_is_taken(folder: str) -> None:
    """Neither the most accounts there are nor a disk for payloads is a problem, and no option has to be set."""
    assert not list(problems({"worker": {"payload_users": 100}, "profile": {"scratch_mount": folder}}))
    assert not list(problems({"cvmfs": {}}))


@pytest.mark.parametrize(
    "folder", ["/", "/var", "/var/lib/", "//var/lib/vmdirac", "/var/lib/vmdirac2", JOBS, "/scratch"]
)
def test_the_role_refuses_the_same_places(folder: str) -> None:
    """What the inventory takes is not refused at boot, and the other way round."""
    (pattern,) = [rule["pattern"] for says, rule in RULES.items() if says.startswith("profile_scratch_mount")]
    assert bool(re.match(pattern, folder)) is not bool(OVER.fullmatch(folder))


def test_the_place_of_the_option_is_told(problems: Callable[..., list[Problem]]) -> None:
    """A number that no VM could boot with is a problem of the inventory."""
    (found,) = problems({"host_vars/big.yml": "pool_cores: 8\npool_context: {worker: {payload_users: 500}}\n"})
    assert (found.file, found.key) == ("host_vars/big.yml", "pool_context.worker.payload_users")
    assert found.mend == "a number from 0 to 100"
