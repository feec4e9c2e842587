"""The endpoint's options are checked in words that name the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.clouds.local import problems, state_of
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

GOOD = Pool("pool-1", "local", "vo", "site", "small", "host", Resources(cores=1))


def endpoint(**options: Any) -> Endpoint:
    """Return an endpoint with these options."""
    return Endpoint("local", "local", "site", options=options)


@pytest.mark.parametrize("state", ["/var/lib/vmdirac/cloud", "~/cloud", "localcloud"])
def test_good_options(state: str) -> None:
    """A state directory is all that is needed: absolute, below the user's home, or relative to the installation's."""
    assert problems(endpoint(state=state), [GOOD]) == []


@pytest.mark.parametrize("options", [{}, {"state": ""}, {"state": 1}])
def test_a_state_that_cannot_be(options: dict[str, Any]) -> None:
    """A missing or empty state directory is named."""
    (problem,) = problems(endpoint(**options), [GOOD])
    assert problem.startswith("endpoint_options.state:")


def test_unknown_keys_and_empty_pools() -> None:
    """Unknown keys of endpoint and pools, and a pool without cores, are named."""
    bad = Pool("pool-2", "local", "vo", "site", "small", "host", Resources(), options={"network": "x"})
    found = problems(endpoint(state="/s", colour="red"), [GOOD, bad])
    assert [problem.partition(":")[0] for problem in found] == [
        "endpoint_options.colour",
        "pool_options.network of pool-2",
        "pool_cores of pool-2",
    ]


def test_a_relative_state_lies_in_the_installations_home(tmp_path: Path) -> None:
    """What the inventory says relatively is found wherever the installation is."""
    assert state_of(endpoint(state="localcloud"), tmp_path) == tmp_path / "localcloud"
    assert state_of(endpoint(state="/s"), tmp_path) == Path("/s")


def test_roles_are_not_for_processes() -> None:
    """A pool with a context is refused by name: its VMs would run roles on their host."""
    roles = Pool("pool-3", "local", "vo", "site", "small", "host", Resources(cores=1), context={"worker": {}})
    (problem,) = problems(endpoint(state="/s"), [GOOD, roles])
    assert problem.startswith("pool_context of pool-3: VMs of the embedded cloud")
