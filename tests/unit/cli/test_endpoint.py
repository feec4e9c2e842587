"""`vmdirac endpoint ...` on a real installation with the embedded cloud."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from tests.support.context import make_context, make_inventory
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.cli.main import app
from vmdirac_py.clouds.local import start_server, stop_server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose endpoint is an embedded cloud below it."""
    inventory = make_inventory()
    north = replace(inventory.endpoints["north"], options={"state": "cloud"}, listing_lag=1.0)
    ctx = make_context(tmp_path, inventory=replace(inventory, endpoints={"north": north}))
    with ctx.ledger.write() as tx:
        tx.meta.set("installation_id", ctx.installation_id)
    ctx.ledger.close()
    (tmp_path / "vmdirac.yml").write_text("inventory: inventory\n")
    return tmp_path


@pytest.fixture
def cloud(home: Path) -> Iterator[Path]:
    """That cloud, running; its VMs end with it."""
    start_server(home / "cloud", max_cores=16)
    yield home / "cloud"
    stop_server(home / "cloud", terminate=True)


def run(home: Path, *words: str) -> Result:
    """Run a command; what it raises is raised."""
    return CliRunner().invoke(app, ["--home", str(home), "endpoint", *words], catch_exceptions=False)


def test_the_list(home: Path) -> None:
    """Endpoints are listed for people and for programs, without asking their clouds."""
    (told,) = json.loads(run(home, "list", "--json").stdout)
    assert (told["name"], told["kind"], told["state"]) == ("north", "local", "unlisted")
    assert told["pools"] == ["astro-8", "bio-8"]
    shown = run(home, "list").stdout
    assert "north" in shown
    assert "CLOUD.North.xy" in shown


def test_a_cloud_that_does_not_answer(home: Path) -> None:
    """Where nobody answers the check says so and what to mend, ends with 1, and launches nothing."""
    done = run(home, "check", "north", "--launch", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert not told["ok"]
    assert [(one["about"], one["ok"]) for one in told["findings"]] == [("login", False)]
    assert "vmdirac up" in told["findings"][0]["mend"]


@pytest.mark.usefixtures("cloud")
def test_a_cloud_that_would_work(home: Path) -> None:
    """Where all is well the check ends with 0 and shows what was looked at."""
    done = run(home, "check", "north")
    assert done.exit_code == 0
    assert all(word in done.stdout for word in ("login", "quota", "isolation", "flavor of astro-8", "images"))
    assert "FAILED" not in done.stdout


def test_a_pool_that_would_not_work(home: Path) -> None:
    """A flavor larger than the whole cloud is named with what to set."""
    start_server(home / "cloud", max_cores=4)
    try:
        done = run(home, "check", "north", "--json")
    finally:
        stop_server(home / "cloud", terminate=True)
    findings = {one["about"]: one for one in json.loads(done.stdout)["findings"]}
    assert done.exit_code == 1
    assert "pool_cores" in findings["flavor of astro-8"]["mend"]


@pytest.mark.usefixtures("cloud")
def test_a_canary(home: Path) -> None:
    """With --launch a VM is started, seen, heard and ended; progress goes where programs do not read."""
    done = run(home, "check", "north", "--launch", "--pool", "bio-8", "--json")
    findings = {one["about"]: one for one in json.loads(done.stdout)["findings"]}
    assert [one for one in findings.values() if not one["ok"]] == []
    assert done.exit_code == 0
    assert {"launch", "listing", "mark", "console", "end"} <= set(findings)
    assert "ran our user data" in findings["console"]["text"]


def test_an_unknown_endpoint(home: Path) -> None:
    """A name the inventory does not have is refused."""
    with pytest.raises(UnknownThing):
        run(home, "check", "nowhere")
