"""`vmdirac history export`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.program import TOP
from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.cli.main import app
from vmdirac_py.installation import init


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an installation that has seen nothing yet."""
    made = Home(tmp_path / "home")
    init(made, Settings(inventory=str(TOP / "inventories/quickstart")))
    return made


def test_an_empty_past_is_a_header(home: Home, tmp_path: Path) -> None:
    """An installation without jobs writes a header, and says that it was no job."""
    path = tmp_path / "past.csv"
    done = CliRunner().invoke(app, ["--home", str(home.root), "history", "export", str(path), "--json"])
    assert json.loads(done.stdout) == {"written": 0, "never_ran": 0}
    assert path.read_text().startswith("submit,vo,")


def test_standard_output_takes_one_thing(home: Home) -> None:
    """The trace goes to standard output for -, and then no JSON beside it."""
    told = CliRunner().invoke(app, ["--home", str(home.root), "history", "export", "-"])
    assert told.stdout.startswith("submit,vo,")
    assert CliRunner().invoke(app, ["--home", str(home.root), "history", "export", "-", "--json"]).exit_code == 2
