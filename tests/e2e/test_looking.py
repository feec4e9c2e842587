"""Looking at a running installation changes nothing, and every answer is there for people and for programs."""

from __future__ import annotations

import pytest

from tests.support.gate import Gate
from tests.support.installation import Here
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState

pytestmark = pytest.mark.slow


def test_everything_can_be_looked_at_by_people_and_programs(here: Here) -> None:
    """Each command that shows something prints text that names it, and JSON that can be parsed."""
    with Gate() as gate:
        (job,) = here.submit(gate.wait)
        (huge,) = here.submit("true", cores=64)
        vm = here.running_job(job)
        here.until(lambda: here.reasons(here.job(huge).queue), what="the reason why it waits")
        for command, word in _questions(here, job, huge, vm).items():
            assert word in here.vmdirac(*command).stdout, command
            assert here.json(*command), command


def _questions(here: Here, job: int, huge: int, vm: str) -> dict[tuple[str, ...], str]:
    queue = here.job(huge).queue
    return {
        ("status",): "alpha",
        ("plan",): queue,
        ("plan", "--diff"): "",
        ("why", str(job)): "Running",
        ("why", str(huge)): "64 cores",
        ("why", vm): "Submitted",
        ("why", queue): "64 cores",
        ("why", "alpha-2core"): "",
        ("vm", "list", "--all"): vm,
        ("vm", "show", vm): "alpha-2core",
        ("batch", "list", "--all"): "alpha-2core",
        ("job", "list"): "Running",
        ("job", "show", str(job)): vm,
        ("inventory", "show"): "gamma-2core",
        ("image", "list"): "gamma-2core",
    }


def test_why_tells_the_whole_life_of_a_vm(here: Here) -> None:
    """After all is over, every step of a VM has a reason a person can read."""
    (job,) = here.submit("true")
    here.until_done([job])
    here.until_retired()
    told = here.json("why", here.job(job).vm)
    steps = [line["text"].split(" by ")[0] for line in told]
    assert next(step for step in steps if step in set(VmState)) == "New"
    assert steps[-1] == "Halted"
    assert [line["plan"] for line in told if "launch batch" in line["text"]] == [here.batches()[0].plan]
    assert all(line["text"].partition(": ")[2] for line in told)


def test_a_rehearsed_plan_is_what_then_happens(here: Here) -> None:
    """`vmdirac plan` shows the launch and its reason before anything is done, and writes nothing."""
    here.kill("scheduler")
    (job,) = here.submit("true")
    before = here.topics()
    (decision,) = here.json("plan")["decisions"]
    assert (decision["action"], decision["pool"], decision["count"]) == ("launch", "alpha-2core", 1)
    assert (here.topics(), here.vms()) == (before, [])
    here.start("scheduler")
    here.until_done([job])
    assert [vm.pool for vm in here.vms()] == ["alpha-2core"]


def test_an_output_is_fetched_into_a_folder(here: Here) -> None:
    """`vmdirac job output ID` brings standard output, error and exit code's traces home as files."""
    (job,) = here.submit("echo to out; echo to err >&2; exit 3")
    here.until(lambda: here.job(job).state is JobState.FAILED, what="the job Failed")
    folder = here.home.root.parent / "fetched"
    here.vmdirac("job", "output", str(job), "--folder", str(folder))
    assert (folder / "std.out").read_text() == "to out\n"
    assert (folder / "std.err").read_text() == "to err\n"
    assert here.json("job", "show", str(job))["job"]["exit_code"] == 3


def test_a_console_and_a_kept_plan_can_be_read_later(here: Here) -> None:
    """What a VM wrote while it booted, and the plan that asked for it, are there by id."""
    (job,) = here.submit("true")
    here.until_done([job])
    (vm,) = here.vms()
    assert f"is {vm.id}" in here.vmdirac("vm", "console", vm.id).stdout
    here.until((here.home.vm_logs / f"{vm.id}.tar.gz").exists, what="the logs of the VM that went")
    assert "wants to stop: idle" in here.vmdirac("vm", "logs", vm.id).stdout
    (batch,) = here.batches()
    assert vm.pool in here.vmdirac("plan", batch.plan).stdout
    assert "no such plan" in here.vmdirac("plan", "p-none", code=1).stderr
