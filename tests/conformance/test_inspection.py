"""Looking at a cloud before anything is launched, where a driver knows how to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.labs import Lab
from vmdirac_py.clouds.api import CloudEndpoint


@pytest.fixture
def inspected(ours: CloudEndpoint) -> Any:
    """Return our endpoint, if its driver inspects."""
    if not hasattr(ours, "inspect"):
        pytest.skip("its driver does not inspect")
    return ours


def test_a_pool_that_works_is_found_sound(lab: Lab, inspected: Any) -> None:
    """Of a pool that can be launched nothing is found wanting, and the login is among what was looked at."""
    findings = inspected.inspect([lab.pool])
    assert [one for one in findings if not one.ok] == []
    assert "login" in {one.about for one in findings}
    assert all(one.text for one in findings)


def test_it_changes_nothing(lab: Lab, inspected: Any) -> None:
    """Looking starts nothing."""
    inspected.inspect([lab.pool])
    assert [instance for instance in inspected.instances() if not instance.terminal] == []


@pytest.mark.needs("stop")
def test_an_unreachable_cloud_is_a_finding(lab: Lab, inspected: Any) -> None:
    """When nobody listens nothing is raised: the login is not ok, and says so."""
    lab.stop()
    (login, *_) = inspected.inspect([lab.pool])
    assert (login.about, login.ok) == ("login", False)
    assert login.text
