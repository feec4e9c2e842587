"""How a worker watches its machine, and how it lets go of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.doubles.manager import ManagerDouble
from tests.doubles.spot_notice import spot_notice
from tests.doubles.vm import texts_of, waits_for, work

WORKS = "-c 'while :; do :; done'"


def drain_file(vm: Any) -> Path:
    """Return DIRAC's drain file, beside the worker's folder."""
    return Path(vm.work_dir).parent / "dirac_drain"


def reported(manager: ManagerDouble, job: int) -> dict[str, Any]:
    """Return the last report on a job, {} before there is one."""
    told: list[dict[str, Any]] = [one for one in manager.messages("report") if one["job"] == job]
    return told[-1] if told else {}


def test_a_drain_is_known_to_everybody_on_the_machine(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """Told to drain, a VM writes DIRAC's drain file; its next worker goes on draining, and leaves with code 100."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: reported(manager, 1))
    assert not drain_file(vm).exists()
    manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0}]
    manager.wait(lambda: manager.of("acknowledge"))
    manager.wait(lambda: any(beat["state"] == "draining" for beat in manager.messages("heartbeat")))
    assert drain_file(vm).exists()
    vm.kill()
    manager.script.orders = []
    asked = len(manager.of("match"))
    vm.start()
    assert vm.ended() == 0, vm.log
    assert manager.messages("leave") == [{"reason": "drained", "detail": "", "code": 100}]
    assert len(manager.of("match")) <= asked + 1


def test_a_person_drains_a_machine_by_the_file(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A drain file that appears while a payload runs: the payload ends in peace, no other is taken, the VM leaves."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: reported(manager, 1))
    drain_file(vm).touch()
    # By the third of these a question that was on its way has come: its answer it would have run.
    manager.wait(lambda: [beat["state"] for beat in manager.messages("heartbeat")].count("draining") > 2)
    manager.script.work = [work(2, "true")]
    (tmp_path / "flag").touch()
    assert vm.ended() == 0, vm.log
    assert reported(manager, 1)["state"] == "Done"
    assert reported(manager, 2) == {}


def test_a_cloud_that_takes_its_vm_back_drains_it(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A spot instance's notice: what runs may end, no other is taken, payloads know when, and the VM leaves."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    with spot_notice() as cloud:
        vm = start(notice=cloud.address)
        manager.wait(lambda: reported(manager, 1))
        cloud.notice = '{"action": "terminate", "time": "2031-01-01T00:00:00Z"}'
        vm.wait_log("the cloud takes this VM back: terminate")
        manager.wait(lambda: any(beat["state"] == "draining" for beat in manager.messages("heartbeat")))
        assert "terminate" in drain_file(vm).read_text()
        (tmp_path / "flag").touch()
        assert vm.ended() == 0, vm.log
    assert reported(manager, 1)["state"] == "Done"
    assert manager.messages("leave")[-1]["reason"] == "taken_back"


def test_a_full_disk_does_not_hide_that_the_cloud_takes_a_vm_back(manager: ManagerDouble, start: Any) -> None:
    """A drain file that cannot be written is no reason to go on: no job is asked for any more, and the VM leaves."""
    with spot_notice() as cloud:
        vm = start(notice=cloud.address)
        manager.wait(lambda: manager.of("match"))
        drain_file(vm).symlink_to("/nowhere/at/all")
        cloud.notice = '{"action": "stop", "time": "2031-01-01T00:00:00Z"}'
        assert vm.ended() == 0, vm.log
    assert manager.messages("leave") == [{"reason": "taken_back", "detail": "", "code": 100}]


def test_a_drain_file_of_the_image_means_nothing(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A VM that enrols for the first time takes jobs, whatever its image was made from."""
    (tmp_path / "dirac_drain").touch()
    manager.script.work = [work(1, "true")]
    start()
    manager.wait(lambda: reported(manager, 1).get("state") == "Done")


def test_policies_of_the_inventory_reach_a_running_worker(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A pool's new stop policies hold from the next heartbeat on: a soft end closes the VM, which leaves when empty."""
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: reported(manager, 1))
    manager.script.stop_policies = {"policies": ["soft_end"], "soft_life": 0.1}
    manager.wait(lambda: any(beat["state"] == "draining" for beat in manager.messages("heartbeat")))
    (tmp_path / "flag").touch()
    assert vm.ended() == 0, vm.log
    assert manager.messages("leave")[-1]["reason"] == "soft_end"
    assert reported(manager, 1)["state"] == "Done"


def test_a_policy_nobody_knows_changes_nothing(manager: ManagerDouble, start: Any) -> None:
    """Stop policies of a newer manager are logged and left alone; its orders are obeyed all the same."""
    manager.script.stop_policies = {"policies": ["sometimes"]}
    vm = start()
    vm.wait_log("unknown stop policy or term: sometimes")
    manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0}]
    assert vm.ended() == 0, vm.log
    assert manager.messages("leave")[-1]["reason"] == "drained"


def test_a_newer_manager_is_understood(manager: ManagerDouble, start: Any) -> None:
    """Fields of an answer that this worker does not know, inside others too, take nothing from those it does."""
    manager.script.later = {"mood": {"colour": "red"}}
    manager.script.stop_policies = {"policies": ["no_jobs"], "mood": 1}
    manager.script.work = [{**work(1, "true"), "mood": "red"}]
    vm = start()
    manager.wait(lambda: reported(manager, 1).get("state") == "Done")
    manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0, "mood": "red"}]
    assert vm.ended() == 0, vm.log
    assert manager.messages("leave")[-1]["reason"] == "drained"


def test_never_outlives_idleness(manager: ManagerDouble, start: Any) -> None:
    """A VM whose pool says `never` stays idle until it is told to drain."""
    manager.script.idle_seconds = 0.1
    manager.script.stop_policies = {"policies": ["never"]}
    vm = start(stop_policies={"policies": ["never"]})
    manager.wait(lambda: len(manager.of("match")) > 4)
    assert manager.of("leave") == []
    manager.script.orders = [{"id": 1, "verb": "drain", "deadline": 0.0}]
    assert vm.ended() == 0, vm.log


def test_failed_matches_send_a_vm_away(manager: ManagerDouble, start: Any) -> None:
    """After as many requests in vain as its pool allows a VM leaves with "nothing to do"."""
    manager.script.stop_policies = {"policies": ["failed_matches"], "failed_matches": 3}
    vm = start(stop_policies=manager.script.stop_policies)
    assert vm.ended() == 0, vm.log
    assert manager.messages("leave")[-1] == {"reason": "failed_matches", "detail": "", "code": 300}
    assert len(manager.of("match")) >= 3


def test_a_dead_man_goes(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """Without the manager for its dead-man time a VM drains: its payload ends first, then it stops with code 4."""
    manager.script.dead_man_seconds = 1.5
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: reported(manager, 1))
    manager.stop()
    (tmp_path / "flag").touch()
    assert vm.ended() == 4, vm.log
    assert "job 1.1: Done" in vm.log
    assert drain_file(vm).exists()


def test_who_is_heard_again_delivers_first(manager: ManagerDouble, start: Any, tmp_path: Path) -> None:
    """A manager that is back after the dead-man time, while a payload still runs, gets its output first."""
    manager.script.dead_man_seconds = 1.0
    manager.script.work = [waits_for(1, tmp_path / "flag")]
    vm = start()
    manager.wait(lambda: reported(manager, 1))
    manager.stop()
    manager.script.dead_man_seconds = 600.0
    while not drain_file(vm).exists():
        assert vm.process.poll() is None
    beats = len(manager.of("heartbeat"))
    manager.start()
    manager.wait(lambda: len(manager.of("heartbeat")) > beats)
    (tmp_path / "flag").touch()
    assert vm.ended() == 0, vm.log
    assert reported(manager, 1)["state"] == "Done"
    assert manager.messages("leave")[-1]["reason"] == "drained"


def ends(manager: ManagerDouble) -> list[str]:
    """Return what a VM did to end its life, in order."""
    last = ("log", "acknowledge", "leave")
    return [
        asked.verb
        for asked in manager.asked
        if asked.verb in last and asked.message != {"verb": "drain", "empty": False}
    ]


@pytest.mark.parametrize("verb", ["drain", "halt"])
def test_logs_come_before_the_last_word(manager: ManagerDouble, start: Any, verb: str) -> None:
    """Whoever is told to go hands over its logs once, before it says that nothing runs any more, and then leaves."""
    vm = start()
    manager.wait(lambda: manager.of("heartbeat"))
    manager.script.orders = [{"id": 1, "verb": verb, "deadline": 0.0}]
    assert vm.ended() == 0, vm.log
    assert ends(manager) == ["log", "acknowledge", "leave"]


def test_who_stays_hands_its_logs_over_again_only_after_work(manager: ManagerDouble, start: Any) -> None:
    """A VM that is kept does not send its logs with every wish to leave; once it has worked it does."""
    manager.script.idle_seconds, manager.script.stays = 0.1, 1000
    vm = start()
    manager.wait(lambda: len(manager.of("leave")) > 2)
    assert len(manager.logs) == 1
    manager.script.work = [work(1, "sleep", "1")]
    manager.wait(lambda: reported(manager, 1).get("state") == "Done")
    manager.script.stays = 0
    assert vm.ended() == 0, vm.log
    assert len(manager.logs) == 2


def test_logs_are_handed_over_last(manager: ManagerDouble, start: Any) -> None:
    """Before its end a VM gives its log to the manager, with the reason for which it leaves."""
    manager.script.idle_seconds = 0.2
    vm = start()
    assert vm.ended() == 0, vm.log
    (logs,) = map(texts_of, manager.logs)
    assert "is vm-" in logs["worker.log"]
    assert "wants to stop: idle" in logs["worker.log"]
    verbs = [asked.verb for asked in manager.asked]
    assert verbs.index("log") < verbs.index("leave")


def test_a_payload_without_cpu_is_ended_only_where_the_pool_says_so(manager: ManagerDouble, start: Any) -> None:
    """With `kill_quiet` a payload that sleeps is failed with the reason, one that works goes on; else both live."""
    manager.script.stop_policies = {"quiet_seconds": 0.8}
    manager.script.work = [work(1, "sleep", "1000"), work(2, "sh", WORKS)]
    start()
    manager.wait(lambda: len(manager.messages("heartbeat")) > 12 and reported(manager, 2))
    assert reported(manager, 1)["state"] == "Running"
    manager.script.stop_policies = {"quiet_seconds": 2.0, "quiet_cpu": 0.02, "kill_quiet": True}
    manager.wait(lambda: reported(manager, 1)["state"] == "Failed")
    assert "No CPU activity" in reported(manager, 1)["minor"]
    assert reported(manager, 2)["state"] == "Running"


def test_heartbeats_tell_of_cpu_memory_and_health(manager: ManagerDouble, start: Any) -> None:
    """CPU of machine and slot, free memory, the slot's latest end, what was probed and which versions run."""
    manager.script.work = [work(1, "sh", WORKS, cpu_seconds=500)]
    start(gate={"seconds": 5, "runtime": ["true"]})
    manager.wait(
        lambda: any(
            beat["slots"] and beat["slots"][0]["cpu_seconds"] > 0.4 and beat["cpu"] > 0
            for beat in manager.messages("heartbeat")
        )
    )
    beat = manager.messages("heartbeat")[-1]
    (slot,) = beat["slots"]
    assert slot["ends_by"] == slot["started_at"] + 500
    assert beat["ram_free_mb"] > 0
    assert beat["quiet_seconds"] < beat["uptime"]
    assert beat["versions"]["python"]
    manager.wait(lambda: manager.messages("heartbeat")[-1]["health"] == {"true": "ok"})


def test_a_payload_reads_its_features(manager: ManagerDouble, start: Any) -> None:
    """A payload finds its machine's and its own features where the two variables say, the machine's end among them."""
    manager.script.work = [
        work(1, "sh", "-c 'cat $MACHINEFEATURES/total_cpu $JOBFEATURES/allocated_cpu $MACHINEFEATURES/hs06; "
             "test $(cat $MACHINEFEATURES/shutdowntime) -gt $(date +%s) && echo later'", cores=2)
    ]  # fmt: skip
    start(hs06=44.0)
    manager.wait(lambda: reported(manager, 1).get("state") == "Done")
    assert texts_of(manager.outputs[1])["std.out"].split() == ["4", "2", "44", "later"]
