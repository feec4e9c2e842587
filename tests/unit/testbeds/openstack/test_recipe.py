"""Which kept data may be used again."""

from __future__ import annotations

import pytest

from tests.testbeds.openstack import recipe, wanted
from tests.testbeds.openstack.environment import VERSIONS
from tests.testbeds.openstack.wanted import Quota


def test_the_same_checkout_has_the_same_recipe() -> None:
    """A second `up` uses what the first made."""
    assert recipe.word() == recipe.word()


def test_other_content_is_another_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data seeded with other projects is not taken for ours."""
    before = recipe.word()
    monkeypatch.setattr(wanted, "PROJECTS", wanted.PROJECTS | {"new": Quota()})
    assert recipe.word() != before


def test_every_version_is_pinned_and_no_index_is_named() -> None:
    """The environment is the same everywhere, from whatever index a machine uses."""
    lines = [line for line in VERSIONS.read_text().splitlines() if not line.startswith("#")]
    assert all(len(line.split("==")) == 2 for line in lines)
    assert "://" not in VERSIONS.read_text()
