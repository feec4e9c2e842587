from __future__ import annotations

import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.vm import tar_of, work
from vmdirac_py.worker.ce import Outcome
from vmdirac_py.worker.inprocess import InProcessCE, Run
from vmdirac_py.worker.payload import CannotRun
from vmdirac_py.worker.processes import marked
from vmdirac_py.worker.wire import Slot, Work


class Bench:
    """An InProcessCE with a watcher that remembers."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = b""
        self.was_started, self.has_ended = threading.Event(), threading.Event()
        self.outcome: Outcome | None = None
        self.folder = folder
        self.ce = InProcessCE(folder / "jobs", folder / "outputs", f"vm-{folder.name}", self.fetch, self)

    def fetch(self, job: Work, target: Path, _abandoned: Callable[[], bool]) -> None:
        """Give the sandbox the test set."""
        if job.executable == "refused":
            raise CannotRun("Input sandbox refused")
        target.write_bytes(self.sandbox)

    def started(self, _work: Work) -> None:
        """Note the start."""
        self.was_started.set()

    def ended(self, _work: Work, outcome: Outcome) -> None:
        """Note the end."""
        self.outcome = outcome
        self.has_ended.set()

    def start(self, executable: str, arguments: str = "", **changes: Any) -> Run:
        """Start a payload."""
        made = Work(**work(1, executable, arguments, **changes))
        return self.ce.start(made, Slot(1, made.cores, 0.0))

    def run(self, executable: str, arguments: str = "", **changes: Any) -> Outcome:
        """Run a payload to its end."""
        self.start(executable, arguments, **changes)
        assert self.has_ended.wait(20)
        assert self.outcome
        return self.outcome

    def output(self) -> dict[str, str]:
        """Return the packed output as text."""
        assert self.outcome
        with tarfile.open(self.outcome.output) as tar:
            return {m.name: tar.extractfile(m).read().decode() for m in tar.getmembers()}  # type: ignore[union-attr]

    def processes(self) -> list[int]:
        """Return the payload's living processes."""
        return marked(f"VMDIRAC_JOB=vm-{self.folder.name}/1.1")


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
    assert set(seen) == {
        "PATH", "HOME", "TMPDIR", "LANG", "JOBID", "DIRAC_PROCESSORS", "OMP_NUM_THREADS", "MINE", "VMDIRAC_JOB",
        "MACHINEFEATURES", "JOBFEATURES",
    }  # fmt: skip
    assert (seen["DIRAC_PROCESSORS"], seen["OMP_NUM_THREADS"], seen["JOBID"]) == ("3", "3", "1")
    assert seen["VMDIRAC_JOB"].endswith("/1.1")


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
        ("echo", "", {"environment": {"A": "x\0y"}}, "Executable cannot be run"),
        ("echo", "", {"stdout": ""}, "Bad name for output"),
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
    monkeypatch.setattr("vmdirac_py.worker.inprocess.MAX_OUTPUT", 1000)
    outcome = bench.run("head", "-c 5000 /dev/urandom")
    assert (outcome.state, outcome.output) == ("Failed", "")
    assert "larger than" in outcome.minor


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
