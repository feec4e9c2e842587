"""The collection's modules on a real installation: check mode, diff, idempotence, errors that help."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmdirac.cloud.plugins.module_utils import machine

from tests.support.modules import call
from vmdirac_py.base.settings import Home
from vmdirac_py.clouds import local
from vmdirac_py.clouds.api import Throttled
from vmdirac_py.installation import Installation, open_installation
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import launches, leases, retirements

pytestmark = pytest.mark.slow

JDL = 'Executable = "/bin/true"; JobName = "nothing"; CPUTime = 600;'


@contextmanager
def opened(home: Home) -> Iterator[Installation]:
    """Open the installation beside the module."""
    with open_installation(home) as ctx:
        yield ctx


def written(home: Home, count: int = 1) -> str:
    """Write a launch batch, as the scheduler does before it runs the playbook."""
    with opened(home) as ctx:
        return launches.intend(ctx, "small", count, actor="scheduler")


def last_event(home: Home) -> int:
    """Return the number of the newest event: it grows with every change."""
    with opened(home) as ctx, ctx.ledger.read() as tx:
        return tx.events.last()


def submitted(home: Home, count: int = 1) -> list[int]:
    """Submit jobs through the module and return their ids."""
    result = call("job", home=str(home.root), jdl=JDL, vo="alpha", count=count)
    return [job["id"] for job in result["jobs"]]


@pytest.mark.usefixtures("cloud")
def test_a_written_batch_is_launched_and_answered(home: Home) -> None:
    """The module claims the batch, asks the cloud, and commits the answer itself."""
    batch = written(home, 2)
    result = call("instance", home=str(home.root), batches=[batch], actor="scheduler")
    row = result["batches"][0]
    assert (result["changed"], row["state"], row["launched"], row["sent"]) == (True, "Answered", 2, True)
    with opened(home) as ctx, ctx.ledger.read() as tx:
        bound = {vm.id: vm.instance_id for vm in tx.vms.of_batch(batch)}
    assert row["instances"] == bound


@pytest.mark.usefixtures("cloud")
def test_a_batch_is_sent_once(home: Home) -> None:
    """The same batch again reports and changes nothing."""
    batch = written(home)
    first = call("instance", home=str(home.root), batches=[batch])
    again = call("instance", home=str(home.root), batches=[batch, batch])
    assert (first["changed"], again["changed"]) == (True, False)
    assert [row["sent"] for row in again["batches"]] == [False]
    assert again["batches"][0]["launched"] == 1


def test_check_mode_asks_no_cloud(home: Home) -> None:
    """What would be sent is shown; there is no cloud in this test to send it to, and no event."""
    batch, before = written(home), last_event(home)
    result = call("instance", home=str(home.root), batches=[batch], check=True)
    assert (result["changed"], result["batches"][0]["sent"]) == (True, True)
    assert result["diff"]["before"]["batches"][0]["state"] == "Written"
    assert result["diff"]["after"]["batches"][0]["state"] == "Answered"
    assert last_event(home) == before


@pytest.mark.usefixtures("cloud")
def test_check_mode_foretells_what_a_run_returns(home: Home) -> None:
    """A rehearsed launch and the real one have the same rows, but for ids."""
    options: dict[str, Any] = {"home": str(home.root), "pool": "small", "count": 2}
    rehearsed, real = call("instance", check=True, **options), call("instance", **options)
    unknown = {"batch", "instances"}
    rows = [{k: v for k, v in result["batches"][0].items() if k not in unknown} for result in (rehearsed, real)]
    assert rows[0] == rows[1]


@pytest.mark.usefixtures("cloud")
def test_a_full_cloud_is_a_result(home: Home) -> None:
    """Where the cloud gives three of four, the module says so and does not fail."""
    result = call("instance", home=str(home.root), pool="small", count=4)
    row = result["batches"][0]
    assert (row["launched"], row["refused"], row["error_class"]) == (3, 1, "quota")


@pytest.mark.usefixtures("cloud")
def test_machines_are_ended_by_hand_once(home: Home) -> None:
    """Ending by name terminates the instance; naming it again changes nothing."""
    launched = call("instance", home=str(home.root), pool="small", count=1)["batches"][0]
    vms = list(launched["instances"])
    first = call("instance", home=str(home.root), state="absent", vms=vms)
    again = call("instance", home=str(home.root), state="absent", vms=vms)
    assert (first["changed"], again["changed"]) == (True, False)
    listed = call("instance_info", home=str(home.root))["instances"]
    assert [row["state"] for row in listed if row["listed"]] in ([], ["terminated"])


def test_a_batch_of_the_other_kind_is_refused(home: Home) -> None:
    """A launch batch under state=absent is an error that says which option to change."""
    batch = written(home)
    result = call("instance", home=str(home.root), state="absent", batches=[batch])
    assert (result["failed"], result["where"], result["mend"]) == (True, batch, "choose the other `state`")


@pytest.mark.parametrize(
    ("module", "params", "where"),
    [
        ("instance", {"batches": ["b-none"]}, "b-none"),
        ("instance", {"pool": "none", "count": 1}, "none"),
        ("instance", {"state": "absent", "vms": ["vm-none"]}, "vm-none"),
        ("instance_info", {"endpoints": ["none"]}, "none"),
        ("job", {"state": "killed", "ids": [99]}, "99"),
        ("vm", {"state": "draining", "ids": ["vm-none"]}, "vm-none"),
    ],
)
def test_unknown_names_are_named(home: Home, module: str, params: dict[str, Any], where: str) -> None:
    """An unknown name fails with what and where, and changes nothing."""
    before = last_event(home)
    result = call(module, home=str(home.root), **params)
    assert (result["failed"], result["where"]) == (True, where)
    assert last_event(home) == before


def test_no_installation_is_explained(tmp_path: Path) -> None:
    """A wrong home says where it looked and how to make one."""
    result = call("vm_info", home=str(tmp_path))
    assert (result["where"], result["mend"]) == (str(tmp_path), "run `vmdirac init`")


def test_the_home_may_come_from_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `home` the variable VMDIRAC_HOME says it."""
    monkeypatch.setenv("VMDIRAC_HOME", str(home.root))
    assert call("vm_info")["vms"] == []


def test_an_endpoint_that_does_not_answer_is_told(home: Home) -> None:
    """With its cloud down, an endpoint has an error and its machines are shown as not listed."""
    written(home)
    result = call("instance_info", home=str(home.root))
    assert [bool(answer["error"]) for answer in result["endpoints"]] == [True]
    assert [(row["vm_state"], row["listed"]) for row in result["instances"]] == [("New", False)]


def test_jobs_are_submitted_shown_and_queued(home: Home) -> None:
    """A JDL becomes jobs, and they wait in one task queue."""
    ids = submitted(home, 3)
    shown = call("job_info", home=str(home.root), states=["Waiting"], vo="alpha")["jobs"]
    queues = call("task_queue_info", home=str(home.root))["task_queues"]
    assert [job["id"] for job in shown] == ids
    assert [(queue["vo"], queue["waiting"], queue["shape"]["min_cores"]) for queue in queues] == [("alpha", 3, 1)]


def test_a_jdl_file_finds_its_sandbox_beside_it(home: Home, tmp_path: Path) -> None:
    """With `path`, input files are looked for in the JDL's own folder."""
    (tmp_path / "input.txt").write_text("data")
    (tmp_path / "job.jdl").write_text(JDL + ' InputSandbox = {"input.txt"};')
    result = call("job", home=str(home.root), path=str(tmp_path / "job.jdl"), vo="alpha")
    assert [job["state"] for job in result["jobs"]] == ["Waiting"]


def test_a_bad_jdl_fails_in_check_mode_as_well(home: Home) -> None:
    """What could not be submitted is not promised."""
    results = [call("job", home=str(home.root), jdl="Executable = ", vo="alpha", check=it) for it in (True, False)]
    assert [result["failed"] for result in results] == [True, True]


def test_killing_is_idempotent(home: Home) -> None:
    """A killed job stays killed and a second kill changes nothing; check mode kills nothing."""
    ids = submitted(home)
    options: dict[str, Any] = {"home": str(home.root), "state": "killed", "ids": ids}
    rehearsed, first, again = call("job", check=True, **options), call("job", **options), call("job", **options)
    assert [result["changed"] for result in (rehearsed, first, again)] == [True, True, False]
    assert [job["state"] for job in first["jobs"]] == ["Killed"]


def test_rescheduling_lets_a_killed_job_wait_again(home: Home) -> None:
    """Killed becomes Waiting with another attempt; a waiting job is left alone."""
    ids = submitted(home)
    call("job", home=str(home.root), state="killed", ids=ids)
    options: dict[str, Any] = {"home": str(home.root), "state": "rescheduled", "ids": ids}
    rehearsed, first, again = call("job", check=True, **options), call("job", **options), call("job", **options)
    assert [result["changed"] for result in (rehearsed, first, again)] == [True, True, False]
    for job in (rehearsed["jobs"][0], first["jobs"][0]):
        assert (job["state"], job["attempt"]) == ("Waiting", 2)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("state", ["draining", "halted"])
def test_orders_to_machines_are_idempotent(home: Home, state: str) -> None:
    """A booting machine is stopped by either order; check mode foretells it; a second order changes nothing."""
    vms = list(call("instance", home=str(home.root), pool="small", count=1)["batches"][0]["instances"])
    options: dict[str, Any] = {"home": str(home.root), "state": state, "ids": vms}
    rehearsed, first, again = call("vm", check=True, **options), call("vm", **options), call("vm", **options)
    assert [result["changed"] for result in (rehearsed, first, again)] == [True, True, False]
    assert [result["vms"][0]["state"] for result in (rehearsed, first)] == ["Stopping", "Stopping"]


@pytest.mark.usefixtures("cloud")
def test_vm_info_filters(home: Home) -> None:
    """Machines are found by pool, state and id; halted ones only when asked for."""
    call("instance", home=str(home.root), pool="small", count=1)
    call("instance", home=str(home.root), pool="large", count=1)
    found = call("vm_info", home=str(home.root), pool="large")["vms"]
    assert [(vm["pool"], vm["resources"]["cores"], vm["heartbeat"]) for vm in found] == [("large", 4, None)]
    assert call("vm_info", home=str(home.root), states=["Halted"])["vms"] == []
    assert call("vm_info", home=str(home.root), ids=[found[0]["id"]])["vms"] == found


def test_a_preview_says_why_and_writes_nothing(home: Home) -> None:
    """The plan for waiting jobs is shown with reasons in words."""
    submitted(home, 2)
    before = last_event(home)
    result = call("plan_info", home=str(home.root))
    assert [decision["action"] for decision in result["decisions"]] == ["launch"]
    assert result["decisions"][0]["reason"]["words"]
    assert result["summary"][0].startswith("launch ")
    assert last_event(home) == before


@pytest.mark.usefixtures("cloud")
def test_a_cycle_plans_what_it_foretold(home: Home) -> None:
    """Check mode shows the decisions a real cycle then writes as batches."""
    submitted(home, 2)
    rehearsed, real = call("plan", home=str(home.root), check=True), call("plan", home=str(home.root))
    assert rehearsed["launches"] == []
    assert [one["count"] for one in rehearsed["decisions"]] == [one["count"] for one in real["decisions"]]
    assert (real["changed"], len(real["launches"]), real["problems"]) == (True, 1, [])


@pytest.mark.usefixtures("cloud")
def test_a_cycle_with_nothing_to_do_changes_nothing(home: Home) -> None:
    """No demand, no fleet: not changed, and the summary says so."""
    result = call("plan", home=str(home.root))
    assert (result["changed"], result["summary"]) == (False, ["nothing to start or drain"])


def test_a_cycle_beside_another_planner_says_who(home: Home) -> None:
    """While somebody holds the plan lease the module names them, succeeds, and changes nothing."""
    submitted(home)
    with opened(home) as ctx, ctx.ledger.write() as tx:
        tx.leases.take(leases.PLAN, "scheduler (pid 1 on elsewhere)", 600.0)
    before = last_event(home)
    result = call("plan", home=str(home.root))
    assert (result["changed"], result["held_by"]) == (False, "scheduler (pid 1 on elsewhere)")
    assert "is planning" in result["summary"][0]
    assert last_event(home) == before


def test_a_cycle_tells_of_clouds_that_do_not_answer(home: Home) -> None:
    """An endpoint that cannot be listed is a problem, not a failure."""
    result = call("plan", home=str(home.root))
    assert [problem.split(":")[0] for problem in result["problems"]] == ["here"]


@pytest.mark.usefixtures("cloud")
def test_a_cycle_tells_what_is_unwise_and_what_was_not_swept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings of endpoints are told in each cycle, a sweep that the cloud refused in its own."""

    def sweep(_: local.LocalEndpoint) -> list[str]:
        raise Throttled("slower")

    monkeypatch.setattr(local.LocalEndpoint, "sweep", sweep, raising=False)
    monkeypatch.setattr(local, "warnings", lambda endpoint: [f"{endpoint.name} is unwise"])
    first, second = call("plan", home=str(home.root)), call("plan", home=str(home.root))
    assert first["problems"] == ["here: slower", "here is unwise"]
    assert second["problems"] == ["here is unwise"]


@pytest.mark.usefixtures("cloud")
def test_a_retire_batch_of_a_plan_is_carried_out(home: Home) -> None:
    """What the scheduler wrote to be terminated is terminated and stays Stopping until a listing tells."""
    vms = list(call("instance", home=str(home.root), pool="small", count=1)["batches"][0]["instances"])
    with opened(home) as ctx:
        batch = retirements.intend(ctx, vms, actor="scheduler")
    result = call("instance", home=str(home.root), state="absent", batches=batch)
    assert (result["changed"], result["batches"][0]["state"]) == (True, "Closed")
    with opened(home) as ctx, ctx.ledger.read() as tx:
        assert [vm.state for vm in tx.vms.get_many(vms)] == [VmState.STOPPING]


def test_a_missing_package_is_explained(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where vmdirac_py cannot be imported the module names it and the interpreter."""
    monkeypatch.setattr(machine, "VMDIRAC_IMPORT_ERROR", "Traceback ...")
    result = call("vm_info", home=str(home.root))
    assert result["failed"]
    assert "vmdirac_py" in result["msg"]
    assert sys.executable in result["msg"]


def test_check_mode_refuses_what_the_real_run_refuses(home: Home) -> None:
    """An unknown VO, a bad count and more VMs than the ramp fail in check mode already."""
    bad = [
        ("job", {"jdl": JDL, "vo": "nobody"}),
        ("job", {"jdl": JDL, "vo": "alpha", "count": 0}),
        ("instance", {"pool": "small", "count": 10_000}),
    ]
    for module, params in bad:
        assert call(module, home=str(home.root), check=True, **params)["failed"], params


def test_a_cycle_leads_with_what_is_wrong(home: Home, inventory: Path) -> None:
    """A refused inventory and a cloud that does not answer stand first in the summary, in every cycle."""
    inventory.write_text("all: {children: [nonsense")
    for _ in range(2):
        result = call("plan", home=str(home.root))
        assert len(result["problems"]) == 2
        assert result["summary"][:2] == [f"problem: {one}" for one in result["problems"]]
        assert "inventory.yml" in result["summary"][0]
        assert "here" in result["summary"][1]
