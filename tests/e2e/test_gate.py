"""What an installation remembers, replayed through the gate, as a GitOps repository's pipeline does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.support.installation import Here, inventory
from tests.support.installed import VOS

pytestmark = pytest.mark.slow


def changed(folder: Path, name: str, **keys: object) -> Path:
    """Write the installation's inventory with changes."""
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(inventory(**keys)))
    return path


def test_recorded_history_passes_and_closes_the_gate(here: Here, tmp_path: Path) -> None:
    """The same inventory passes without margins; one without VMs fails, with a sentence; the report shows both."""
    ids = [job for vo in VOS for job in here.submit("true", vo=vo, count=2)]
    here.until_done(ids)
    history, report = tmp_path / "jobs.csv", tmp_path / "report"
    here.vmdirac("history", "export", str(history))
    words = ("replay", str(history), "--gate", "--max-wait-rise", "0", "--max-cost-rise", "0%", "-i")
    same = changed(tmp_path, "same")
    passed = json.loads(here.vmdirac(*words, str(same), "--json", "--report", str(report)).stdout)
    assert passed["ok"]
    assert [result["jobs"] for result in passed["results"]] == [len(ids)] * 2
    assert (report / "report.html").exists()
    shut = changed(tmp_path, "shut", pool_max_vms=0)
    failed = here.vmdirac(*words, str(shut), "--against", str(same), code=1)
    assert f"never ran rises by {len(ids)}, from 0 to {len(ids)}" in failed.stderr


def test_a_snapshot_tells_elsewhere_what_would_be_done(here: Here, tmp_path: Path) -> None:
    """From its file another machine plans the waiting job, and sees what another inventory would do otherwise."""
    here.kill("scheduler")
    here.submit("true")
    now = tmp_path / "now.json"
    here.vmdirac("snapshot", str(now), "--pseudonyms")
    elsewhere = ("--home", str(tmp_path / "nothing-here"), "plan", "--snapshot", str(now))
    (decision,) = here.json(*elsewhere)["decisions"]
    assert (decision["pool"], decision["count"]) == ("alpha-2core", 1)
    shut = changed(tmp_path, "shut", pool_max_vms=0)
    told = here.vmdirac(*elsewhere, "-i", str(shut), "--against", str(changed(tmp_path, "same")))
    assert "at its limit of 0 VMs" in told.stdout
