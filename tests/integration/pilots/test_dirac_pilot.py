"""DIRAC's JobAgent as a worker's pilot: real jobs of a real DIRAC run to Done."""

from __future__ import annotations

from pathlib import Path

from tests.doubles.manager import ManagerDouble
from tests.doubles.vm import VmProcess
from tests.support.dirac_ground import Ground
from tests.support.wait import until

PYTHON = "/usr/bin/python3"


def test_jobs_of_dirac_run_to_done_and_a_drain_ends_the_pilot(
    tmp_path: Path, pyz: Path, manager: ManagerDouble, ground: Ground
) -> None:
    """The pilot bears the VM's id, runs jobs as its own user, shows as busy, and obeys the drain file."""
    flag, seen = ground.flags / "go", ground.flags / "seen"
    (ground.flags / "wait.sh").write_text(f"id -un > {seen}; while [ ! -e {flag} ]; do sleep 0.2; done\n")
    waits, quick = ground.submit("alpha", f"{ground.flags}/wait.sh", "-c true")
    vm = VmProcess(tmp_path, pyz, manager, PYTHON, inside=ground.inside(), work_dir="/var/lib/vmdirac",
                   cores=2, pilot=ground.pilot("alpha"))  # fmt: skip
    try:
        busy = manager.wait(lambda: [beat for beat in manager.messages("heartbeat") if beat["slots"]], 60)
        assert busy[0]["slots"][0]["job"] in (waits, quick)
        until(seen.exists, seconds=60)
        assert seen.read_text() == "nobody\n"
        until(lambda: ground.bed.jobs([quick])[quick].status == "Done", seconds=60, step=1.0)
        manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0}]
        until(ground.drain_file.exists, seconds=20)
        flag.touch()
        assert vm.ended(90) == 0
    finally:
        vm.process.terminate()
    assert manager.messages("leave")[-1]["reason"] == "drained"
    assert ground.bed.jobs([waits])[waits].status == "Done"
    pilot = ground.bed.pilots([manager.vm])[manager.vm]
    assert (pilot.stamp, pilot.status, pilot.vo) == (manager.vm, "Done", "alpha")
