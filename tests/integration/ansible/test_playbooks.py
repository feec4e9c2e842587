"""The playbooks, run by ansible-playbook as a person or cron does, and by the scheduler's runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import call
from vmdirac_py.base.settings import Home
from vmdirac_py.scheduler.runner import RunStatus, run

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[3]
JDL = 'Executable = "/bin/true"; JobName = "nothing"; CPUTime = 600;'


def playbook(name: str, *arguments: str, cwd: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection by hand in `cwd`."""
    found = {"ANSIBLE_COLLECTIONS_PATH": str(TOP / "collections"), "PYTHONPATH": str(TOP)}
    command = ["ansible-playbook", f"vmdirac.cloud.{name}", "-e", json.dumps(variables), *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **found, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def states(home: Home) -> list[str]:
    """Return the states of all VMs that are not halted."""
    return [vm["state"] for vm in call("vm_info", home=str(home.root))["vms"]]


@pytest.mark.usefixtures("cloud")
def test_a_machine_by_hand_and_away_again(home: Home) -> None:
    """Provision and retire by hand; a relative home is relative to where one stands."""
    started = playbook("provision", cwd=home.root.parent, pool="small", count=1, home="home")
    assert started.returncode == 0, started.stdout
    vms = [vm["id"] for vm in call("vm_info", home=str(home.root))["vms"]]
    ended = playbook("retire", cwd=home.root.parent, vms=vms, home="home")
    assert ended.returncode == 0, ended.stdout
    assert states(home) == ["Stopping"]


@pytest.mark.usefixtures("cloud")
def test_what_a_cloud_refuses_by_hand_is_a_failure(home: Home) -> None:
    """A person who asked for four and got three sees red, and the three stand in the ledger."""
    started = playbook("provision", cwd=home.root, pool="small", count=4, home=str(home.root))
    assert started.returncode == 2
    assert "quota" in started.stdout
    assert sorted(states(home)) == ["Failed", "Submitted", "Submitted", "Submitted"]


@pytest.mark.usefixtures("cloud")
def test_reconcile_is_one_whole_cycle(home: Home) -> None:
    """One run without a daemon: a waiting job becomes a machine; the next run starts no second one."""
    call("job", home=str(home.root), jdl=JDL, vo="alpha")
    first = playbook("reconcile", cwd=home.root, home=str(home.root))
    again = playbook("reconcile", cwd=home.root, home=str(home.root))
    assert (first.returncode, again.returncode) == (0, 0), first.stdout + again.stdout
    assert states(home) == ["Submitted"]
    assert "changed=0" in again.stdout


@pytest.mark.usefixtures("cloud")
def test_reconcile_can_be_rehearsed(home: Home) -> None:
    """With --check it shows what would be decided, and starts nothing."""
    call("job", home=str(home.root), jdl=JDL, vo="alpha")
    rehearsed = playbook("reconcile", "--check", "--diff", cwd=home.root, home=str(home.root))
    assert rehearsed.returncode == 0, rehearsed.stdout
    assert "launch 1 in" in rehearsed.stdout
    assert states(home) == []


@pytest.mark.usefixtures("cloud")
def test_the_scheduler_runs_the_same_playbook(home: Home) -> None:
    """Through the runner a refusal is a result: the run is ok, the answer stands in results and ledger."""
    call("job", home=str(home.root), jdl=JDL, vo="alpha")
    batches = call("plan", home=str(home.root))["launches"]
    given = {"home": str(home.root), "batches": batches, "actor": "scheduler"}
    result = run("vmdirac.cloud.provision", given, runs_dir=home.runs, timeout=60)
    assert (result.status, result.error) == (RunStatus.OK, "")
    assert [row["launched"] for row in result.results[-1]["batches"]] == [1]
    assert states(home) == ["Submitted"]
