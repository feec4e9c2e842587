"""Finding drivers, and what is asked of each for an inventory."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.context import make_pool
from vmdirac_py.clouds import registry
from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.model.inventory import Endpoint

NORTH = Endpoint("north", "few", "site", max_vms=7)
FEW = """
    LISTS_AT_MOST = 7

    def connect(endpoint, **_):
        import a_library_nobody_has

    def problems(endpoint, pools):
        return [f"endpoint_options.x of {endpoint.name} for {len(pools)} pools"] if endpoint.options else []

    def warnings(endpoint):
        return [f"{endpoint.name} is odd"]
"""


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder whose packages count as drivers beside the real ones."""
    package = importlib.import_module("vmdirac_py.clouds")
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("vmdirac_py.clouds."):
            del sys.modules[name]


def add(rooms: Path, kind: str, text: str) -> None:
    """Write a driver."""
    (rooms / kind).mkdir()
    (rooms / kind / "__init__.py").write_text(textwrap.dedent(text))
    importlib.invalidate_caches()


def test_every_kind_offers_the_contract() -> None:
    """Each driver there is offers what `clouds.api.Driver` names."""
    assert "local" in registry.kinds()
    for kind in registry.kinds():
        found: Any = registry.driver(kind)
        assert all(callable(getattr(found, name)) for name in ("connect", "problems", "warnings"))
        assert found.LISTS_AT_MOST > 0


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    """A kind without a driver is a BadRequest that names the kinds there are, and a problem of the inventory."""
    with pytest.raises(BadRequest, match="'nowhere'") as caught:
        registry.driver("nowhere")
    assert "local" in caught.value.mend
    (told,) = registry.problems_of(replace(NORTH, kind="nowhere"), [])
    assert told.startswith("endpoint north, endpoint_kind: ")
    assert registry.warnings_of(replace(NORTH, kind="nowhere")) == []


def test_a_missing_library_names_the_extra(rooms: Path) -> None:
    """A driver that cannot be imported for want of a library says which, and what to install."""
    add(rooms, "bare", "import a_library_nobody_has")
    with pytest.raises(BadRequest, match="a_library_nobody_has") as caught:
        registry.driver("bare")
    assert caught.value.mend == "pip install 'vmdirac_py[bare]'"


def test_an_inventory_is_checked_without_the_library(rooms: Path) -> None:
    """Only connecting needs a driver's library; problems and warnings are told without it."""
    add(rooms, "few", FEW)
    pools = [make_pool("p", "astro", endpoint="north")]
    assert registry.problems_of(NORTH, pools) == []
    assert registry.problems_of(replace(NORTH, options={"x": 1}), pools) == [
        "endpoint north, endpoint_options.x of north for 1 pools"
    ]
    assert registry.warnings_of(NORTH) == ["north is odd"]


@pytest.mark.parametrize("most", [None, 8])
def test_more_than_a_listing_shows_is_refused(rooms: Path, most: int | None) -> None:
    """An endpoint may not hold more VMs than its driver lists without losing sight of any, nor be without a limit."""
    add(rooms, "few", FEW)
    (told,) = registry.problems_of(replace(NORTH, max_vms=most), [])
    assert told.startswith("endpoint north, endpoint_max_vms: must be at most 7")


def test_a_driver_that_pages_to_the_end_needs_no_limit() -> None:
    """Where listings are complete at any length no limit is asked for."""
    endpoint = Endpoint("here", "local", "site", options={"state": "cloud"})
    assert registry.problems_of(endpoint, []) == []
