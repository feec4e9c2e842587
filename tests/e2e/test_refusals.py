"""What cannot be done is said in one line that names what to mend, ends with 1, and changes nothing."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Here, made
from tests.support.program import TOP, environment

pytestmark = pytest.mark.slow


@pytest.fixture
def still(tmp_path: Path) -> Iterator[Here]:
    """An installation of which nothing runs."""
    with made(tmp_path) as here:
        yield here


def refusal(here: Here, *arguments: str, **more: str) -> str:
    """Run a command that is refused; return its one line."""
    done = here.vmdirac(*arguments, code=1, **more)
    (line,) = done.stderr.splitlines()
    assert line.startswith("vmdirac: ")
    assert done.stdout == ""
    return line


def test_a_second_scheduler_says_who_holds_the_installation(here: Here) -> None:
    """`vmdirac run` beside a living scheduler names that process, and leaves its lease and work alone."""
    here.until(lambda: here.json("status")["leases"], what="the scheduler's lease")
    line = refusal(here, "run")
    assert f"pid {here.processes['scheduler'].pid} " in line
    (job,) = here.submit("true")
    here.until_done([job])


def test_a_second_up_says_that_one_runs(tmp_path: Path) -> None:
    """A second `vmdirac up` on one home ends at once, the first goes on, and Ctrl-C ends it with nothing left."""
    with made(tmp_path) as here:
        command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(here.home.root), "up"]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout is not None
            assert "manager and scheduler run" in first.stdout.readline()
            assert "runs here already" in refusal(here, "up")
            (job,) = here.submit("true")
            here.until_done([job])
            first.send_signal(signal.SIGINT)
            assert first.wait(timeout=120) == 0
        assert here.instances() == []


def test_a_port_in_use_is_named(still: Here) -> None:
    """The manager does not start on a port somebody else has, and says which one and how to choose another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", still.ctx.settings.vm_port))
        taken.listen()
        line = refusal(still, "serve")
    assert str(still.ctx.settings.vm_port) in line
    assert "vm_port" in line


def test_a_newer_ledger_is_left_alone(still: Here) -> None:
    """A ledger with a schema this program does not know is refused by every command, and not touched."""
    with sqlite3.connect(still.home.database) as ledger:
        ledger.execute("UPDATE alembic_version SET version_num = 'r9999_future'")
        before = list(ledger.iterdump())
    for command in (("status",), ("run",), ("serve",), ("up",), ("upgrade",), ("job", "list")):
        assert "r9999_future" in refusal(still, *command)
    with sqlite3.connect(still.home.database) as ledger:
        assert list(ledger.iterdump()) == before


@pytest.mark.parametrize(
    ("jdl", "arguments", "names"),
    [
        pytest.param('Executable = "/bin/true"; CPUTime = 60;', ("--vo", "delta"), "delta", id="unknown-vo"),
        pytest.param('Executable = "/bin/true"; CPUTime = 60;', (), "--vo", id="no-vo"),
        pytest.param("[ Executable = ", ("--vo", "alpha"), "bad.jdl", id="no-jdl"),
        pytest.param("CPUTime = 60;", ("--vo", "alpha"), "Executable", id="nothing-to-run"),
        pytest.param(
            'Executable = "a.sh"; InputSandbox = {"a.sh"}; CPUTime = 60;', ("--vo", "alpha"), "a.sh", id="file-missing"
        ),
    ],
)
def test_a_bad_job_is_refused(still: Here, jdl: str, arguments: tuple[str, ...], names: str) -> None:
    """A job that cannot be used is refused with what to mend, and no job is submitted."""
    path = still.home.root.parent / "bad.jdl"
    path.write_text(jdl)
    assert names in refusal(still, "job", "submit", str(path), *arguments)
    assert still.json("job", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("job", "show", "99"),
        ("job", "output", "99"),
        ("job", "kill", "99"),
        ("job", "list", "--state", "Napping"),
        ("vm", "show", "vm-none"),
        ("vm", "drain", "vm-none"),
        ("vm", "halt", "vm-none"),
        ("why", "nothing-of-that-name"),
        ("job", "submit", "no-such-file.jdl"),
    ],
    ids=" ".join,
)
def test_a_thing_that_does_not_exist_is_named(still: Here, arguments: tuple[str, ...]) -> None:
    """A name or id nobody knows is an error that repeats it."""
    assert arguments[-1] in refusal(still, *arguments)


def test_a_broken_inventory_is_refused_each_time(still: Here) -> None:
    """`vmdirac inventory load` never calls a broken tree fine, however often it was told."""
    still.inventory_file.write_text("all: {children: [nonsense")
    for _ in range(2):
        assert "inventory.yml" in still.vmdirac("inventory", "load", code=1).stderr


def test_a_job_that_is_no_text_is_refused(still: Here) -> None:
    """A file that is not UTF-8 is no JDL, and that is said of it."""
    path = still.home.root.parent / "bad.jdl"
    path.write_bytes(b"\xff\xfe\x00")
    assert "bad.jdl" in refusal(still, "job", "submit", str(path), "--vo", "alpha")


def test_a_home_without_installation_says_how_to_make_one(tmp_path: Path) -> None:
    """Every command in an empty folder says `vmdirac init`."""
    command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(tmp_path / "none"), "status"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    assert "vmdirac init" in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("arguments", [("status",), ("init", "--inventory", "inventories/quickstart")], ids=" ".join)
def test_a_home_that_is_a_file_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A home below something that is no folder is an error that names it."""
    (tmp_path / "file").write_text("")
    home = tmp_path / "file" / "home"
    command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(home), *arguments]
    done = subprocess.run(command, env=environment(), cwd=TOP, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert str(home) in line
