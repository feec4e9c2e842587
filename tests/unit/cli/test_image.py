"""`vmdirac image ...` on a real installation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.support.context import make_context
from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.cli.main import app


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose pools launch from the image `debian`."""
    make_context(tmp_path).ledger.close()
    (tmp_path / "vmdirac.yml").write_text("inventory: inventory\n")
    return tmp_path


def run(home: Path, *words: str) -> Result:
    """Run a command; what it raises is raised."""
    return CliRunner().invoke(app, ["--home", str(home), "image", *words], catch_exceptions=False)


def test_an_image_is_retired_and_kept(home: Path) -> None:
    """The order is shown until it is taken back, for people and for programs."""
    assert "drain by" in run(home, "retire", "debian", "--within", "2d").output
    (listed,) = json.loads(run(home, "list", "--json").output)
    assert listed["pools"] == ["astro-8", "bio-8"]
    assert listed["order"]["by"] - listed["order"]["since"] == 2 * 86400
    assert "debian" in run(home, "list").output
    assert json.loads(run(home, "retire", "debian", "--undo", "--json").output)["undone"]
    assert json.loads(run(home, "list", "--json").output)[0]["order"] is None


def test_wrong_input_changes_nothing(home: Path) -> None:
    """An unknown image and an unreadable time are refused."""
    with pytest.raises(UnknownThing):
        run(home, "retire", "windows")
    with pytest.raises(BadInput, match="is no time"):
        run(home, "retire", "debian", "--within", "soon")
    assert json.loads(run(home, "list", "--json").output)[0]["order"] is None


def test_what_a_bake_left_is_recorded(home: Path) -> None:
    """The image's own file says what it holds; the list tells for which pools that is outdated."""
    record = home / "baked.json"
    record.write_text('{"revision": "abc", "at": "2026-11-22T12:00:00Z", "roles_sha256": "0"}')
    assert "revision abc" in run(home, "record", "debian", str(record)).output
    (listed,) = json.loads(run(home, "list", "--json").output)
    assert (listed["bake"]["revision"], listed["outdated"]) == ("abc", ["astro-8", "bio-8"])
    with pytest.raises(BadInput, match="cannot be read"):
        run(home, "record", "debian", str(home / "nothing"))


def test_variables_are_for_ansible(home: Path) -> None:
    """They are JSON, and name the worker's file on this machine."""
    told = json.loads(run(home, "variables", "astro-8").output)
    assert told["context_roles"] == ["worker"]
    assert (home / "static" / told["worker_sha256"]).samefile(told["worker_file"])
    with pytest.raises(UnknownThing):
        run(home, "variables", "nowhere")
