"""Warnings of endpoints, where people look."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.support.context import open_again
from vmdirac_py.clouds import local
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.operations import endpoint_warnings

WORDS = "north: nobody checks certificates"


@pytest.fixture
def _unwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the driver of every endpoint warn."""

    def warnings(_: Endpoint) -> list[str]:
        return [WORDS]

    monkeypatch.setattr(local, "warnings", warnings)


@pytest.mark.usefixtures("_unwise")
def test_a_check_of_the_inventory_tells_them(vmdirac: Callable[..., Result], written: Callable[..., Path]) -> None:
    """An inventory may be sound and unwise: both are said, and the exit code is 0."""
    path = written("new")
    done = vmdirac("inventory", "check", path)
    assert done.exit_code == 0
    assert f"warning: {WORDS}" in done.stdout
    told = json.loads(vmdirac("inventory", "check", path, "--json").stdout)
    assert (told["ok"], told["warnings"]) == (True, [WORDS])


@pytest.mark.usefixtures("_unwise")
def test_the_status_and_the_list_tell_them(vmdirac: Callable[..., Result], busy: Path) -> None:
    """What the last cycle warned of stands below the status; the list of endpoints asks the driver itself."""
    ctx = open_again(busy)
    endpoint_warnings.tell(ctx, actor="test")
    ctx.ledger.close()
    assert f"warning: {WORDS}" in vmdirac("status").stdout
    assert json.loads(vmdirac("status", "--json").stdout)["warnings"] == [WORDS]
    assert f"warning: {WORDS}" in vmdirac("endpoint", "list").stdout
