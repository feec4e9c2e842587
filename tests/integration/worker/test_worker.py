from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.certificates import TestAuthority
from tests.doubles.manager import ManagerDouble
from tests.doubles.vm import TOKEN, oldest_python, tar_of, texts_of, waits_for, work
from vmdirac_py.worker.processes import marked

PYTHONS = [sys.executable, *filter(None, [oldest_python()])]


def states(manager: ManagerDouble, job: int) -> list[str]:
    """Return what was reported of a job so far; a report whose answer was lost comes again and counts once."""
    reported = [m["state"] for m in manager.messages("report") if m["job"] == job]
    return [state for state, _ in itertools.groupby(reported)]


@pytest.mark.parametrize("python", PYTHONS, ids=["this", "oldest"][: len(PYTHONS)])
def test_from_enrolment_to_idle_leave(manager: ManagerDouble, start: Any, python: str) -> None:
    """A VM enrols after two "retry after", runs a job with sandboxes, delivers it, leaves idle and ends with 0."""
    manager.script.retries = [0.1, 0.1]
    manager.script.idle_seconds = 0.5
    manager.script.sandboxes[7] = tar_of(
        {"run.sh": "#!/bin/sh\necho hello $1; echo data > result.txt; echo oops >&2\n"}
    )
    manager.script.work = [
        work(7, "run.sh", "'big world'", input_sandbox=True, output_sandbox=["result.txt", "no.txt"])
    ]
    vm = start(python)
    assert vm.ended() == 0, vm.log
    assert len(manager.of("enrol")) == 3
    assert len({asked.message["csr"] for asked in manager.of("enrol")}) == 1
    assert texts_of(manager.outputs[7]) == {
        "std.out": "hello big world\n",
        "std.err": "oops\n",
        "result.txt": "data\n",
    }
    running, done = manager.messages("report")
    assert (running["state"], done["state"], done["exit_code"]) == ("Running", "Done", 0)
    assert "no.txt" in done["minor"]
    assert done["output"] == hashlib.sha256(manager.outputs[7]).hexdigest()
    assert manager.messages("leave")[-1]["reason"] == "idle"


def test_secrets_stay_out_of_log_and_config(manager: ManagerDouble, start: Any) -> None:
    """The token is gone from the configuration after enrolment; neither token nor key is ever logged."""
    manager.script.idle_seconds = 0.1
    vm = start()
    assert vm.ended() == 0, vm.log
    assert TOKEN not in vm.config_file.read_text()
    assert TOKEN not in vm.log
    assert "PRIVATE" not in vm.log
    assert (vm.work_dir / "vm.key").stat().st_mode & 0o777 == 0o600


def test_refused_enrolment_ends_with_3_and_names_no_token(start: Any) -> None:
    """A token the manager refuses ends the worker with code 3 and the manager's words, without the token."""
    vm = start(token="wrong-token")
    assert vm.ended() == 3
    assert "is not valid" in vm.log
    assert "wrong-token" not in vm.log


def test_a_manager_of_another_ca_is_not_believed(manager: ManagerDouble, start: Any) -> None:
    """A worker sends nothing to a server its CA did not sign."""
    vm = start(ca=TestAuthority().pem, max_life=1.0)
    assert vm.ended() == 3
    assert "CERTIFICATE_VERIFY_FAILED" in vm.log
    assert manager.asked == []


def test_idle_vm_stays_when_told(manager: ManagerDouble, start: Any) -> None:
    """A manager that answers "stay" is asked again after another idle period, and matches go on meanwhile."""
    manager.script.idle_seconds, manager.script.stays = 0.2, 1
    vm = start()
    assert vm.ended() == 0, vm.log
    first, second = manager.of("leave")
    assert any(first.at < asked.at < second.at for asked in manager.of("match"))
    assert second.at - first.at >= 0.2


def test_an_outage_loses_nothing(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A payload that ends while the manager is down is delivered when it is back, output first, in order."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.stop()
    (tmp_path / "flag").touch()
    vm.wait_log("job 1.1: Done")
    vm.wait_log("reports wait")
    manager.start()
    manager.wait(lambda: states(manager, 1) == ["Running", "Done"])
    assert texts_of(manager.outputs[1])["std.out"] == "seen\n"
    order = [asked.verb for asked in manager.asked]
    assert order.index("output") < len(order) - 1 - order[::-1].index("report")


def test_heartbeats_name_the_jobs_whose_reports_wait(manager: ManagerDouble, start: Any) -> None:
    """While reports do not get through, heartbeats say of which jobs they are, though the jobs are in no slot."""
    manager.script.refused["report"] = 503
    manager.script.work = [work(1, "true")]
    start()
    manager.wait(
        lambda: any((beat["slots"], beat["undelivered"]) == ([], [1]) for beat in manager.messages("heartbeat"))
    )
    del manager.script.refused["report"]
    manager.wait(lambda: states(manager, 1)[-2:] == ["Running", "Done"])
    manager.wait(lambda: manager.messages("heartbeat")[-1]["undelivered"] == [])


def test_finished_work_survives_a_killed_worker(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """Reports on disk are delivered by the next worker, which resumes with its certificate and does not enrol."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.stop()
    (tmp_path / "flag").touch()
    vm.wait_log("reports wait")
    vm.kill()
    manager.start()
    vm.start()
    manager.wait(lambda: states(manager, 1) == ["Running", "Done"])
    assert len(manager.of("enrol")) == 1


def test_a_worker_that_lost_payloads_gives_them_back(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """After a killed worker the next one ends what still runs, reports it as lost, and goes on with other jobs."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    vm.kill()
    manager.script.work = [work(2, "true")]
    vm.start()
    manager.wait(lambda: states(manager, 2) == ["Running", "Done"])
    assert states(manager, 1) == ["Running", "Lost"]
    assert marked(f"VMDIRAC_JOB={manager.vm}/1.1") == []
    assert len(manager.of("enrol")) == 1
    assert manager.of("leave") == []


def test_what_was_lost_is_told_once(manager: ManagerDouble, start: Any) -> None:
    """A payload that ended, or was reported as lost, before its worker was killed is not lost (again)."""
    manager.script.work = [work(1, "true")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running", "Done"])
    vm.kill()
    vm.start()
    beats = len(manager.of("heartbeat"))
    manager.wait(lambda: len(manager.of("heartbeat")) > beats + 1)
    assert states(manager, 1) == ["Running", "Done"]


def test_drain(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A draining VM takes no more jobs, acknowledges, lets the running one end, acknowledges empty and leaves."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0}]
    manager.wait(lambda: manager.of("acknowledge"))
    manager.script.work = [work(2, "true")]
    drained = manager.of("acknowledge")[-1].at
    manager.wait(lambda: any(beat["state"] == "draining" for beat in manager.messages("heartbeat")))
    (tmp_path / "flag").touch()
    assert vm.ended() == 0, vm.log
    assert manager.messages("acknowledge")[-1] == {"verb": "drain", "empty": True}
    assert states(manager, 1) == ["Running", "Done"]
    assert manager.messages("leave")[-1]["reason"] == "drained"
    assert [asked for asked in manager.of("match") if asked.at > drained] == []


def test_a_drained_vm_is_not_empty_before_its_reports_are_heard(
    manager: ManagerDouble, start: Any, tmp_path: Path
) -> None:
    """While a report cannot be delivered the VM does not say it is empty: its job would be run again elsewhere."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0}]
    manager.wait(lambda: manager.of("acknowledge"))
    manager.script.refused = {"report": 503}
    (tmp_path / "flag").touch()
    manager.wait(lambda: "Done" in states(manager, 1))
    beats = len(manager.of("heartbeat"))
    manager.wait(lambda: len(manager.of("heartbeat")) > beats + 2)
    assert {"verb": "drain", "empty": True} not in manager.messages("acknowledge")
    manager.script.refused = {}
    assert vm.ended() == 0, vm.log
    assert manager.messages("acknowledge")[-1] == {"verb": "drain", "empty": True}


def test_halt(manager: ManagerDouble, start: Any) -> None:
    """A halted VM kills its payloads with their children, reports nothing of them, says so and ends with 0."""
    manager.script.work = [work(1, "sh", "-c 'setsid sleep 1000 & sleep 1000'")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.script.orders = [{"id": 1, "verb": "halt", "deadline": 0.0}]
    assert vm.ended() == 0, vm.log
    assert manager.messages("acknowledge")[-1] == {"verb": "halt", "empty": True}
    assert manager.messages("leave")[-1]["reason"] == "halted"
    assert states(manager, 1) == ["Running"]
    assert marked(f"VMDIRAC_JOB={manager.vm}/1.1") == []


def test_one_job_is_killed(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A job that is not the VM's any more is ended with its children, unreported; its neighbour runs on."""
    manager.script.work = [work(1, "sh", "-c 'setsid sleep 1000 & sleep 1000'"), waits_for(2, tmp_path / "flag")]
    start()
    manager.wait(lambda: states(manager, 1) == ["Running"] and states(manager, 2) == ["Running"])
    manager.script.kill = [1]
    manager.wait(lambda: marked(f"VMDIRAC_JOB={manager.vm}/1.1") == [])
    (tmp_path / "flag").touch()
    manager.wait(lambda: states(manager, 2) == ["Running", "Done"])
    assert states(manager, 1) == ["Running"]


def test_a_vm_that_is_no_more_ends(manager: ManagerDouble, start: Any) -> None:
    """A manager that says "gone" to a heartbeat makes the worker end its payloads and stop."""
    manager.script.work = [work(1, "sleep", "1000")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.script.refused = {"heartbeat": 410}
    assert vm.ended() == 0, vm.log
    assert marked(f"VMDIRAC_JOB={manager.vm}/1.1") == []


def test_machine_going_down(manager: ManagerDouble, start: Any) -> None:
    """SIGTERM ends payloads, gives their jobs back at once, and leaves the VM to the next worker, which goes on."""
    manager.script.work = [work(1, "sleep", "1000")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    vm.process.terminate()
    assert vm.ended() == 5, vm.log
    assert states(manager, 1) == ["Running", "Lost"]
    assert manager.of("leave") == []
    assert marked(f"VMDIRAC_JOB={manager.vm}/1.1") == []
    manager.script.work = [work(2, "true")]
    vm.start()
    manager.wait(lambda: states(manager, 2) == ["Running", "Done"])
    assert states(manager, 1) == ["Running", "Lost"]


def test_enrols_when_the_manager_comes_late(manager: ManagerDouble, start: Any) -> None:
    """A manager that is down or broken at boot is asked again, with the same request, until it answers."""
    manager.stop()
    vm = start()
    vm.wait_log("enrolment: ")
    manager.script.refused = {"enrol": 500}
    manager.start()
    manager.wait(lambda: manager.of("enrol"))
    manager.script.refused = {}
    manager.wait(lambda: manager.of("heartbeat"))
    assert len({asked.message["csr"] for asked in manager.of("enrol")}) == 1


def test_nonsense_from_the_manager_harms_no_payload(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """Answers that are no messages are logged like an outage; the payload ends in peace."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.script.orders = [{"nonsense": 1}]
    manager.script.work = [{"cores": 1, "nonsense": 1}]
    vm.wait_log("the answer is no")
    (tmp_path / "flag").touch()
    manager.wait(lambda: states(manager, 1) == ["Running", "Done"])


def test_renewal(manager: ManagerDouble, start: Any) -> None:
    """At its time the certificate is renewed with the old one, and the new one is used from then on."""
    manager.script.renew_after = 0.5
    start()
    renewed = manager.wait(lambda: manager.of("renew"))[0]
    manager.wait(lambda: any(asked.serial not in {"", renewed.serial} for asked in manager.of("heartbeat")))


def test_a_certificate_that_cannot_be_kept_ends_nothing(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A disk that takes no new certificate costs no payload; it is asked for again, and kept once there is room."""
    manager.script.renew_after = 0.5
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    obstacle = vm.work_dir / ".vm.crt.new"
    obstacle.mkdir(exist_ok=True)
    vm.wait_log("the new certificate cannot be kept")
    obstacle.rmdir()
    vm.wait_log("certificate renewed")
    (tmp_path / "flag").touch()
    manager.wait(lambda: states(manager, 1) == ["Running", "Done"])


def test_dead_man(manager: ManagerDouble, start: Any) -> None:
    """A VM whose certificate ended while the manager was away stops by itself, with code 4."""
    manager.script.certificate_seconds, manager.script.renew_after = 3.0, 2.9
    vm = start()
    manager.wait(lambda: manager.of("heartbeat"))
    manager.stop()
    assert vm.ended() == 4, vm.log


def test_heartbeats_carry_what_is_true(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A heartbeat names the running slots, the cores left and this machine's memory and disk."""
    manager.script.work = [waits_for(5, tmp_path / "flag", cores=3)]
    start()
    manager.wait(lambda: any(beat["slots"] for beat in manager.messages("heartbeat")))
    beat = manager.messages("heartbeat")[-1]
    assert [(slot["job"], slot["cores"]) for slot in beat["slots"]] == [(5, 3)]
    assert (beat["cores"], beat["free_cores"], beat["ram_mb"], beat["idle_seconds"]) == (4, 1, 4000, 0.0)
    assert beat["disk_free_mb"] > 0
    (tmp_path / "flag").touch()


def test_one_connection_is_kept(manager: ManagerDouble, start: Any) -> None:
    """Heartbeats and matches share one connection that stays open."""
    start()
    manager.wait(lambda: len(manager.of("heartbeat")) >= 5)
    assert len({asked.port for asked in manager.of("heartbeat") + manager.of("match")}) == 1


def test_a_missing_sandbox_fails_the_job(manager: ManagerDouble, start: Any) -> None:
    """A job whose input sandbox the manager does not have is Failed without having run."""
    manager.script.work = [work(1, "true", input_sandbox=True)]
    start()
    manager.wait(lambda: states(manager, 1) == ["Failed"])
    assert "404" in manager.messages("report")[-1]["minor"]


def test_a_job_that_does_not_fit_is_given_back(manager: ManagerDouble, start: Any) -> None:
    """A job with more memory than is free is returned with the reason; the worker goes on."""
    manager.script.work = [work(1, "true", ram_mb=9999), work(2, "true")]
    start()
    manager.wait(lambda: states(manager, 1) == ["Returned"])
    manager.wait(lambda: states(manager, 2) == ["Running", "Done"])
    assert "ram_mb" in next(m for m in manager.messages("report") if m["job"] == 1)["minor"]


def test_end_of_life(manager: ManagerDouble, start: Any) -> None:
    """Near its end of life a VM asks for no more jobs, leaves and ends with 0."""
    vm = start(max_life=1.0)
    assert vm.ended() == 0, vm.log
    assert manager.messages("leave")[-1]["reason"] == "end_of_life"


def test_pool_fills_side_by_side(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """Jobs are taken until nothing is free, and the next one as soon as one ends."""
    flags = [tmp_path / f"flag{i}" for i in range(4)]
    manager.script.work = [waits_for(i + 1, flags[i], cores=2) for i in range(4)]
    start()
    manager.wait(lambda: states(manager, 1) and states(manager, 2))
    assert manager.messages("match")[1]["wishes"] == ["nProcessors", "MultiProcessor", "any"]
    flags[0].touch()
    manager.wait(lambda: states(manager, 3) == ["Running"])
    assert states(manager, 4) == []
    for flag in flags:
        flag.touch()
    manager.wait(lambda: states(manager, 4) == ["Running", "Done"])


def test_a_refused_output_fails_the_job(manager: ManagerDouble, start: Any) -> None:
    """A job whose output the manager refuses is reported Failed with the manager's words."""
    manager.script.refused = {"output": 413}
    manager.script.work = [work(1, "head", "-c 5000000 /dev/urandom")]
    start()
    manager.wait(lambda: states(manager, 1) == ["Running", "Failed"])
    assert "413" in manager.messages("report")[-1]["minor"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"inner_ce": "Docker"}, "inner_ce"),
        ({"ce": {"imge": ""}}, "imge"),
        ({"manager": "http://x"}, "https"),
        ({"cores": "4"}, "cores"),
    ],
)
def test_bad_configuration_names_the_key(
    manager: ManagerDouble, start: Any, changes: dict[str, Any], word: str
) -> None:
    """A configuration that cannot work ends the worker with code 2 before it talks to anyone."""
    vm = start(**changes)
    assert vm.ended() == 2
    assert word in vm.log
    assert manager.asked == []


@pytest.mark.parametrize("python", PYTHONS, ids=["this", "oldest"][: len(PYTHONS)])
def test_an_unfit_vm_leaves_before_it_asks_for_jobs(manager: ManagerDouble, start: Any, python: str) -> None:
    """With a wrong clock and an unmounted repository a VM says both, beats and asks for nothing, and ends with 0."""
    manager.script.clock_ahead, manager.script.work = 1000.0, [work(1, "true")]
    vm = start(python, gate={"seconds": 0.1, "clock_seconds": 60, "cvmfs": ["none.example.org"]})
    assert vm.ended() == 0, vm.log
    (leave,) = manager.messages("leave")
    assert leave["reason"] == "environment"
    assert "behind the manager's; /cvmfs/none.example.org cannot be read" in leave["detail"]
    assert not manager.of("heartbeat")
    assert not manager.of("match")


def test_a_vm_that_comes_back_unfit_tells_of_its_work_first(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """Reports an earlier worker left are delivered before the goodbye, however long the manager is away."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: states(manager, 1) == ["Running"])
    manager.stop()
    (tmp_path / "flag").touch()
    vm.wait_log("reports wait")
    vm.kill()
    vm.change(failed="no disk")
    vm.start()
    vm.wait_log("stops: environment: no disk")
    manager.start()
    assert vm.ended() == 0, vm.log
    assert states(manager, 1) == ["Running", "Done"]
    verbs = [asked.verb for asked in manager.asked]
    assert verbs.index("leave") > max(place for place, verb in enumerate(verbs) if verb == "report")


def test_a_machine_that_goes_down_at_the_gate_comes_again(manager: ManagerDouble, start: Any) -> None:
    """SIGTERM while the gate is shut is no failure: nothing is said, and the next worker is the same VM."""
    vm = start(gate={"seconds": 60, "cvmfs": ["none.example.org"]})
    manager.wait(lambda: manager.of("enrol"))
    vm.wait_log("none.example.org")
    vm.process.terminate()
    assert vm.ended() == 5, vm.log
    assert manager.of("leave") == []


def test_an_image_of_a_vm_makes_another_vm(manager: ManagerDouble, start: Any) -> None:
    """With a token of its own and another instance id a machine enrols anew, and tells nothing of the other's jobs."""
    vm = start()
    manager.wait(lambda: manager.of("heartbeat"))
    vm.kill()
    (vm.work_dir / "outbox" / "running" / "7.1").touch()
    (vm.folder / "instance-id").write_text("i-2\n")
    vm.change(token=manager.script.token)
    beats = len(manager.of("heartbeat"))
    vm.start()
    manager.wait(lambda: len(manager.of("heartbeat")) > beats)
    assert [asked.message["instance_id"] for asked in manager.of("enrol")] == ["i-1", "i-2"]
    assert len({asked.message["csr"] for asked in manager.of("enrol")}) == 2
    assert states(manager, 7) == []


def test_a_vm_that_boots_again_with_its_token_is_the_same(manager: ManagerDouble, start: Any) -> None:
    """User data that is run once more brings the token back, and changes nobody."""
    vm = start()
    manager.wait(lambda: manager.of("heartbeat"))
    vm.kill()
    vm.change(token=manager.script.token)
    beats = len(manager.of("heartbeat"))
    vm.start()
    manager.wait(lambda: len(manager.of("heartbeat")) > beats)
    assert len(manager.of("enrol")) == 1


def test_an_unfit_vm_that_nobody_hears_ends_all_the_same(manager: ManagerDouble, start: Any) -> None:
    """When the manager takes no goodbye the VM ends with 1: it must not stay up for nothing."""
    manager.script.refused = {"leave": 503}
    vm = start(gate={"cores": 10**6})
    assert vm.ended() == 1
    assert "the flavor promises 1e+06" in vm.log


def test_a_gate_nobody_can_read_is_a_bad_configuration(start: Any) -> None:
    """A check this worker does not know is told by its name, and nothing is enrolled."""
    vm = start(gate={"seconds": 1, "colour": "red"})
    assert vm.ended() == 2
    assert "gate: unknown keys: colour" in vm.log


def test_a_machine_that_could_not_be_contextualised_says_so(manager: ManagerDouble, start: Any) -> None:
    """What went wrong at boot is the VM's last word, whatever its gate would say."""
    vm = start(failed="contextualisation: cvmfs: no such mirror", gate={"cores": 10**6})
    assert vm.ended() == 0, vm.log
    assert manager.messages("leave") == [
        {"reason": "environment", "detail": "contextualisation: cvmfs: no such mirror", "code": 500}
    ]
