"""The same cycle without a daemon: `ansible-playbook vmdirac.cloud.reconcile`, by hand or by cron."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.installation import Here, made
from tests.support.program import TOP, environment
from vmdirac_py.model.job import JobState

pytestmark = pytest.mark.slow


def reconcile(here: Here) -> str:
    """Run the playbook; return what it printed."""
    found = environment() | {"ANSIBLE_COLLECTIONS_PATH": str(TOP / "collections")}
    command = ["ansible-playbook", "vmdirac.cloud.reconcile", "-e", json.dumps({"home": str(here.home.root)})]
    done = subprocess.run(command, env=found, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_beside_a_scheduler_it_says_who_plans_and_changes_nothing(here: Here) -> None:
    """While the daemon lives the playbook names its process, changes nothing, and ends well."""
    (job,) = here.submit("sleep 4")
    here.running_job(job)
    before = here.launched(), len(here.batches()), [vm.id for vm in here.vms()]
    printed = reconcile(here)
    assert f"pid {here.processes['scheduler'].pid} " in printed
    assert "changed=0" in printed
    assert (here.launched(), len(here.batches()), [vm.id for vm in here.vms()]) == before
    here.until_done([job])


def test_without_a_scheduler_some_runs_bring_a_job_to_its_end(tmp_path: Path) -> None:
    """Each run is one whole cycle: repeated, the job is Done, the VM Halted, and only one was ever started."""
    with made(tmp_path) as here:
        here.start_cloud()
        here.start("manager")
        (job,) = here.submit("echo done without a daemon")
        for _ in range(12):
            reconcile(here)
            if here.job(job).state is JobState.DONE and here.retired():
                break
        assert here.job(job).state is JobState.DONE, here.story()
        assert here.retired(), here.story()
        assert here.launched().total() == 1
