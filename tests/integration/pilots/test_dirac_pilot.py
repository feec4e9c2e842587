"""DIRAC's JobAgent as a worker's pilot: real jobs of a real DIRAC run to Done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.manager import ManagerDouble
from tests.doubles.vm import VmProcess
from tests.support.dirac_ground import Ground
from tests.support.wait import until

PYTHON = "/usr/bin/python3"
PATIENCE_S = 120.0


def test_jobs_of_dirac_run_to_done_and_a_drain_ends_the_pilot(
    tmp_path: Path, pyz: Path, manager: ManagerDouble, ground: Ground
) -> None:
    """The pilot bears the VM's id, runs jobs as its own user, shows as busy, and obeys the drain file."""
    flag, seen, done = ground.flags / "go", ground.flags / "seen", ground.flags / "done"
    (ground.flags / "wait.sh").write_text(f"id -un > {seen}; while [ ! -e {flag} ]; do sleep 0.2; done\n")
    jobs = ground.submit("alpha", f"{ground.flags}/wait.sh", f"-c 'touch {done}'")
    vm = VmProcess(tmp_path, pyz, manager, PYTHON, inside=ground.inside(), work_dir="/var/lib/vmdirac",
                   cores=2, pilot=ground.pilot("alpha"))  # fmt: skip
    try:
        busy = manager.wait(lambda: [beat for beat in manager.messages("heartbeat") if beat["slots"]], PATIENCE_S)
        assert busy[0]["slots"][0]["job"] in jobs
        until(lambda: done.exists() and seen.exists() and seen.read_text() == "nobody\n", seconds=PATIENCE_S)
        manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0}]
        until(ground.drain_file.exists)
        flag.touch()
        assert vm.ended(PATIENCE_S) == 0
    finally:
        vm.process.terminate()
    assert manager.messages("leave")[-1]["reason"] == "drained"
    assert {job.status for job in ground.bed.jobs(jobs).values()} == {"Done"}
    pilot = ground.bed.pilots([manager.vm])[manager.vm]
    assert (pilot.stamp, pilot.status, pilot.vo) == (manager.vm, "Done", "alpha")


@pytest.mark.full
def test_a_pilot_without_jobs_ends_and_its_vm_leaves_idle(
    tmp_path: Path, pyz: Path, manager: ManagerDouble, ground: Ground
) -> None:
    """After so many failed matches the JobAgent ends, and the VM goes with the code of one that had nothing to do."""
    pilot = ground.pilot("beta", failed_matches=0)
    vm = VmProcess(tmp_path, pyz, manager, PYTHON, inside=ground.inside(), work_dir="/var/lib/vmdirac", pilot=pilot)
    try:
        assert vm.ended(PATIENCE_S) == 0
    finally:
        vm.process.terminate()
    left = manager.messages("leave")[-1]
    assert (left["reason"], left["code"]) == ("idle", 300)


@pytest.mark.full
def test_a_pilot_that_may_not_ask_is_told_of(tmp_path: Path, pyz: Path, manager: ManagerDouble, ground: Ground) -> None:
    """Without a proxy that DIRAC knows the pilot fails, and the manager hears why."""
    pilot = ground.pilot("beta")
    ground.proxy.write_text("no proxy")
    vm = VmProcess(tmp_path, pyz, manager, PYTHON, inside=ground.inside(), work_dir="/var/lib/vmdirac", pilot=pilot)
    try:
        vm.ended(PATIENCE_S)
    finally:
        vm.process.terminate()
    left = manager.messages("leave")[-1]
    assert (left["reason"], left["code"]) == ("error", 700)
    assert "DIRAC's pilot ended with 1" in left["detail"]


@pytest.mark.full
def test_the_pilot_itself_runs_jobs_to_done(
    tmp_path: Path, pyz: Path, manager: ManagerDouble, ground: Ground, pilot_files: Path
) -> None:
    """The files of DIRACGrid/Pilot take our arguments: they register, match, run a job, and end."""
    done = ground.flags / "done"
    jobs = ground.submit("alpha", f"-c 'touch {done}'")
    pilot = ground.pilot("alpha", pilot_files, failed_matches=0)
    vm = VmProcess(tmp_path, pyz, manager, PYTHON, inside=ground.inside(), work_dir="/var/lib/vmdirac",
                   cores=2, pilot=pilot)  # fmt: skip
    try:
        assert vm.ended(4 * PATIENCE_S) == 0
    finally:
        vm.process.terminate()
    assert done.exists()
    left = manager.messages("leave")[-1]
    assert (left["reason"], left["code"]) == ("idle", 200)
    assert ground.bed.jobs(jobs)[jobs[0]].status == "Done"
    known = ground.bed.pilots([manager.vm])[manager.vm]
    assert (known.stamp, known.status, known.vo) == (manager.vm, "Done", "alpha")
