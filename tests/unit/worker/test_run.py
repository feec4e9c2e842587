from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.vm import tar_of, work
from tests.support.payloads import Bench
from vmdirac_py.worker import element, walls
from vmdirac_py.worker.ce import Outcome
from vmdirac_py.worker.credentials import Credentials
from vmdirac_py.worker.grounds import Errands
from vmdirac_py.worker.guard import Guard
from vmdirac_py.worker.options import Options
from vmdirac_py.worker.payload import CannotRun
from vmdirac_py.worker.wire import Credential, Slot, Work

OF_SHELLS = {"PWD", "OLDPWD", "SHLVL", "_"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A fresh inner CE."""
    return Bench(tmp_path)


def test_output_and_success(bench: Bench) -> None:
    """A program of the system runs with split arguments; its streams are packed and the job is Done."""
    outcome = bench.run("sh", "-c 'echo \"a b\"; echo c >&2'")
    assert (outcome.state, outcome.exit_code) == ("Done", 0)
    assert bench.output() == {"std.out": "a b\n", "std.err": "c\n"}


def test_both_streams_in_one_file(bench: Bench) -> None:
    """A job may send both its streams to one file, whatever characters its name holds; nothing is overwritten."""
    bench.run("sh", "-c 'echo out; echo err >&2; echo out'", stdout="log[1]", stderr="log[1]")
    assert bench.output() == {"log[1]": "out\nerr\nout\n"}


def test_failure_keeps_the_output(bench: Bench) -> None:
    """An exit code other than 0 fails the job by name of the code; the output comes along."""
    outcome = bench.run("sh", "-c 'echo why; exit 3'")
    assert (outcome.state, outcome.minor, outcome.exit_code) == ("Failed", "Application exit code 3", 3)
    assert bench.output()["std.out"] == "why\n"


def test_a_signal_is_named(bench: Bench) -> None:
    """A payload that dies of a signal says which, with the shell's exit code."""
    outcome = bench.run("sh", "-c 'kill -TERM $$'")
    assert (outcome.state, outcome.minor, outcome.exit_code) == ("Failed", "Application killed by signal 15", 143)


def test_environment_is_clean(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload sees its own variables and nothing of the worker's; a job cannot take the mark away."""
    monkeypatch.setenv("WORKER_SECRET", "x")
    bench.run("env", cores=3, environment={"MINE": "yes", "VMDIRAC_JOB": "none"})
    seen = dict(line.split("=", 1) for line in bench.output()["std.out"].splitlines())
    assert set(seen) - OF_SHELLS == {
        "PATH", "HOME", "TMPDIR", "LANG", "JOBID", "DIRAC_PROCESSORS", "OMP_NUM_THREADS", "MINE", "VMDIRAC_JOB",
        "MACHINEFEATURES", "JOBFEATURES",
    }  # fmt: skip
    assert (seen["DIRAC_PROCESSORS"], seen["OMP_NUM_THREADS"], seen["JOBID"]) == ("3", "3", "1")
    assert seen["VMDIRAC_JOB"].endswith("/1.1")


def test_a_jobs_variables_arrive_as_they_are(bench: Bench) -> None:
    """A job's variables, whatever they hold, reach its payload and stand in no command line; it may change ours."""
    odd = 'it\'s "$(id)" `id`\n; exit 3 \\'
    script = 'cat /proc/$PPID/cmdline; printf %s "$ODD" >&2; echo $OMP_NUM_THREADS'
    outcome = bench.run("sh", f"-c '{script}'", environment={"ODD": odd, "UID": "5", "OMP_NUM_THREADS": "7"})
    assert outcome.state == "Done"
    assert bench.output()["std.err"] == odd
    assert bench.output()["std.out"].endswith("7\n")
    assert "exit 3" not in bench.output()["std.out"]


def test_double_forked_children_end_with_the_payload(bench: Bench) -> None:
    """Nothing a payload leaves in the background, in sessions of its own, outlives it."""
    fork = "import os,time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  time.sleep(1000)\n os._exit(0)"
    bench.sandbox = tar_of({"fork.py": fork})
    outcome = bench.run("sh", "-c 'python3 fork.py; sleep 1000 &'", input_sandbox=True)
    assert outcome.state == "Done"
    assert bench.processes() == []


def test_time_limit(bench: Bench) -> None:
    """A payload beyond its time is killed with its children and failed; what it wrote is kept."""
    outcome = bench.run("sh", "-c 'echo begun; setsid sleep 1000 & sleep 1000'", cpu_seconds=1)
    assert (outcome.state, outcome.minor) == ("Failed", "CPU time exceeded")
    assert bench.output()["std.out"] == "begun\n"
    assert bench.processes() == []


def test_kill_abandons(bench: Bench) -> None:
    """A killed payload is gone with its folder when `kill` returns, and its watcher hears no end."""
    run = bench.start("sleep", "1000")
    assert bench.was_started.wait(20)
    run.kill()
    assert bench.processes() == []
    assert not bench.has_ended.is_set()
    assert list((bench.folder / "jobs").iterdir()) == []


def test_a_wall_that_fails_spares_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one wall cannot end the others do; the payload is over, its folder gone, and its watcher told."""

    def fail(_: walls.Rationed) -> bool:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(walls.Caged, "strike", fail)
    monkeypatch.setattr(walls.Rationed, "strike", fail)
    run = bench.start("sh", "-c 'setsid sleep 1000 & sleep 1000'")
    assert bench.was_started.wait(20)
    run.kill()
    assert bench.processes() == []
    assert bench.is_gone.is_set()
    assert list((bench.folder / "jobs").iterdir()) == []


def test_a_payload_whose_guard_cannot_start_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no place for another thread runs no payload without its limits."""

    def fail(_: Guard) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Guard, "start", fail)
    outcome = bench.run("sh", "-c 'setsid sleep 1000 & sleep 1000'")
    assert (outcome.state, outcome.minor) == ("Returned", "Its VM cannot begin: can't start new thread")
    assert not bench.was_started.is_set()
    assert bench.processes() == []


def test_a_machine_without_room_gives_its_job_back(bench: Bench) -> None:
    """What keeps a payload from its start and is no fault of its job does not fail it."""
    (bench.folder / "jobs").rmdir()
    (bench.folder / "jobs").write_text("no folder")
    outcome = bench.run("true")
    assert (outcome.state, outcome.minor) == ("Returned", "Its VM cannot begin: Not a directory")
    assert not bench.was_started.is_set()


def test_the_disk_is_free_before_the_end_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload that filled the disk leaves room for the report of its end."""
    left: list[Path] = []
    told = Bench.ended

    def ended(self: Bench, job: Work, outcome: Outcome) -> None:
        left.extend((self.folder / "jobs").iterdir())
        told(self, job, outcome)

    monkeypatch.setattr(Bench, "ended", ended)
    bench.run("true")
    assert left == []


def test_sandbox_program_comes_first(bench: Bench) -> None:
    """A file of the sandbox with the executable's name runs, executable bit or not."""
    bench.sandbox = tar_of({"echo": "#!/bin/sh\nprintf mine"})
    bench.run("echo", input_sandbox=True)
    assert bench.output()["std.out"] == "mine"


@pytest.mark.parametrize(
    ("executable", "arguments", "changes", "minor"),
    [
        ("no-such-program", "", {}, "Executable not found"),
        ("../../../jobs", "", {}, "Executable not found"),
        ("echo", "'open", {}, "Bad arguments"),
        ("echo", "", {"stdout": "../../out"}, "Bad name for output"),
        ("echo", "", {"input_sandbox": True}, "Bad input sandbox"),
        ("refused", "", {"input_sandbox": True}, "Input sandbox refused"),
        ("echo", "", {"environment": {"A": "x\0y"}}, "Bad environment variable: 'A'"),
        ("echo", "", {"environment": {"A;x": "y"}}, "Bad environment variable: 'A;x'"),
        ("echo", "", {"stdout": ""}, "Bad name for output"),
        ("echo", "", {"stdout": "no/such/folder"}, "Executable cannot be run"),
    ],
)
def test_what_cannot_run_says_why(
    bench: Bench, executable: str, arguments: str, changes: dict[str, Any], minor: str
) -> None:
    """A payload that cannot be started fails with a reason, without exit code and output."""
    bench.sandbox = b"no archive"
    outcome = bench.run(executable, arguments, **changes)
    assert outcome.state == "Failed"
    assert outcome.minor.startswith(minor)
    assert (outcome.exit_code, outcome.output) == (None, "")


def test_missing_output_is_noted(bench: Bench) -> None:
    """Output files that are not there are named and do not fail the job."""
    outcome = bench.run("true", output_sandbox=["result"])
    assert (outcome.state, outcome.minor) == ("Done", "Application finished; missing output: result")


def test_too_large_output_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output beyond the limit fails the job and is not kept."""
    monkeypatch.setattr("vmdirac_py.worker.verdict.MAX_OUTPUT", 1000)
    outcome = bench.run("head", "-c 5000 /dev/urandom")
    assert (outcome.state, outcome.output) == ("Failed", "")
    assert "larger than" in outcome.minor


def test_output_that_finds_no_room_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full while output is packed fails the job by that name, and nothing half is left on it."""

    def full(_folder: Path, _names: object, target: Path, _most: int) -> list[str]:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vmdirac_py.worker.verdict.pack", full)
    outcome = bench.run("true")
    assert (outcome.state, outcome.output) == ("Failed", "")
    assert outcome.minor == "Application finished; output cannot be packed: No space left on device"
    assert list((bench.folder / "outputs").iterdir()) == []


def test_folders_go_whatever_their_rights(bench: Bench) -> None:
    """A payload that takes the rights from its folders leaves nothing behind."""
    bench.run("sh", "-c 'mkdir -p a/b; touch a/b/c; chmod 000 a/b a'")
    run = bench.start("true", attempt=2)
    run._thread.join(20)
    assert "1.1" not in [path.name for path in (bench.folder / "jobs").iterdir()]


def test_leftovers_are_cleaned_and_named(bench: Bench) -> None:
    """What an earlier worker left is named and deleted."""
    (bench.folder / "jobs" / "9.2" / "home").mkdir(parents=True)
    assert bench.ce.leftovers() == ["9.2"]
    assert bench.ce.leftovers() == []


def test_a_vm_with_gpus_shows_a_payload_its_own(tmp_path: Path) -> None:
    """On a VM with GPUs a payload sees those of its slot; one that has none sees none."""
    bench = Bench(tmp_path, gpus=2)
    made = Work(**work(1, "env"))
    bench.ce.start(made, Slot(1, 1, 0.0, gpu_ids=[1]))
    assert bench.has_ended.wait(20)
    assert {"CUDA_VISIBLE_DEVICES=1", "NVIDIA_VISIBLE_DEVICES=1"} <= set(bench.output()["std.out"].splitlines())
    bench.run("env")
    assert {"CUDA_VISIBLE_DEVICES=", "NVIDIA_VISIBLE_DEVICES=void"} <= set(bench.output()["std.out"].splitlines())


def test_what_a_payload_used_is_told(bench: Bench) -> None:
    """The outcome counts the CPU time of all processes of the payload, also of those nobody waited for."""
    outcome = bench.run("sh", "-c '(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done) & wait'")
    assert outcome.state == "Done"
    assert outcome.cpu_seconds > 0


def test_a_container_image_is_refused_without_containers(bench: Bench) -> None:
    """A job that wants a container does not run without one."""
    outcome = bench.run("true", image="/cvmfs/images.example.org/base")
    assert outcome.state == "Failed"
    assert "this VM runs payloads without container" in outcome.minor


def test_a_disk_full_of_zeros_is_not_packed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that is large before it is packed fails the job, however small it would become."""
    monkeypatch.setattr("vmdirac_py.worker.verdict.MAX_OUTPUT", 10_000)
    outcome = bench.run("truncate", "-s 1T zeros", output_sandbox=["zeros"])
    assert outcome.state == "Failed"
    assert "larger than" in outcome.minor


def test_a_credential_is_renewed_and_destroyed(tmp_path: Path) -> None:
    """A payload finds its owner's credential by its variables, gets the renewed one while it runs, and none is left."""
    bench = Bench(tmp_path, options=Options(credential_seconds=0.05))
    bench.owner = Credential("1", "PROXY one", "")
    script = "cat $X509_USER_PROXY; until grep -q two $X509_USER_PROXY; do sleep 0.05; done; cat $X509_USER_PROXY"
    bench.start("sh", f"-c '{script}; stat -c %a $X509_USER_PROXY; echo $BEARER_TOKEN_FILE'", credential=True)
    assert bench.was_started.wait(20)
    bench.owner = Credential("2", "PROXY two", "TOKEN")
    assert bench.has_ended.wait(20)
    assert bench.output()["std.out"] == "PROXY onePROXY two400\n\n"
    assert list((tmp_path / "jobs").glob("*/credentials/*")) == []


def test_a_credential_that_is_refused_fails_the_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the credential it was submitted with a payload is not started."""

    def refuse(*_: object) -> Credential:
        raise CannotRun("Credential refused (404)")

    monkeypatch.setattr(bench.ce, "errands", Errands(bench.fetch, refuse))
    outcome = bench.run("true", credential=True)
    assert (outcome.state, outcome.minor) == ("Failed", "Credential refused (404)")
    assert not bench.was_started.is_set()


def test_a_manager_that_is_silent_holds_no_limit_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload whose credential cannot be renewed ends at its time; what is answered after is written nowhere."""
    bench = Bench(tmp_path, options=Options(credential_seconds=0.05))
    asked, answered, written = threading.Event(), threading.Event(), threading.Event()

    def credential(_job: Work, version: str, _abandoned: Callable[[], bool]) -> Credential:
        if version:
            asked.set()
            answered.wait(60)
        return Credential(f"{version}1", "PROXY", "")

    renew = Credentials.renew

    def renewed(self: Credentials) -> bool:
        found = renew(self)
        if bench.has_ended.is_set():
            assert not found
            written.set()
        return found

    monkeypatch.setattr(Credentials, "renew", renewed)
    monkeypatch.setattr(bench.ce, "errands", Errands(bench.fetch, credential))
    outcome = bench.run("sleep", "1000", credential=True, cpu_seconds=1)
    assert (outcome.minor, asked.is_set()) == ("CPU time exceeded", True)
    answered.set()
    assert written.wait(20)
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize(("arguments", "state"), [("-c 200000000", "Failed"), ("-c 20000", "Done")])
def test_without_control_groups_single_processes_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: str, state: str
) -> None:
    """Without a control group no process gets more memory than its payload; that is said once, and its use counted."""
    monkeypatch.setattr(element.cgroup_find, "find", lambda: None)
    bench = Bench(tmp_path)
    outcome = bench.run("sh", f"-c 'head {arguments} /dev/zero | tail > all && test -s all'", ram_mb=50)
    assert outcome.state == state
    assert outcome.peak_ram_mb > 0
    assert capsys.readouterr().err.count("no control group") == 1


def test_an_earlier_workers_credentials_are_destroyed(bench: Bench) -> None:
    """A worker that was killed leaves no credential behind once the next one starts."""
    folder = bench.folder / "jobs" / "9.2" / "credentials"
    folder.mkdir(parents=True)
    (folder / "proxy").write_text("PROXY")
    os.link(folder / "proxy", bench.folder / "same-file")
    bench.ce.leftovers()
    assert (bench.folder / "same-file").read_bytes() == b"\0" * 5
    assert not folder.exists()
