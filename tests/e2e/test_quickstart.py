"""`vmdirac quickstart`: what a newcomer runs first."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.installation import launched_at
from tests.support.program import TOP, environment
from tests.support.remains import remains
from vmdirac_py.base.processes import marked
from vmdirac_py.base.settings import Home
from vmdirac_py.clouds.local.records import Store
from vmdirac_py.installation import open_installation
from vmdirac_py.model.vm import VmState

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("quickstart")]

EXPECTED = {
    "alpha": {"Done": 2},
    "beta": {"Done": 1, "Failed": 1},
    "gamma": {"Done": 5, "Waiting": 1},
}
SAMPLE_SECONDS = 0.1
NOBODY = 65534


@dataclass
class Watched:
    """A quickstart that was run while every process's command line was watched."""

    folder: Path
    done: subprocess.CompletedProcess[str]
    command_lines: set[bytes] = field(default_factory=set)

    @property
    def cloud(self) -> Path:
        """The embedded cloud's folder."""
        return self.folder / "localcloud"

    def tokens(self) -> list[str]:
        """Return the enrolment tokens of all VMs, as their user data says them."""
        user_data = (base64.b64decode(launch.user_data) for launch in Store(self.cloud).launches())
        files = [yaml.safe_load(data)["write_files"] for data in user_data]
        return [json.loads(of_vm[0]["content"])["worker"]["token"] for of_vm in files]


def command(folder: Path, *arguments: str) -> list[str]:
    """Return the command line of a quickstart in this folder."""
    return [sys.executable, "-m", "vmdirac_py.cli", "quickstart", "--folder", str(folder), *arguments]


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return what a quickstart with `--json` printed, after checking that it went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """One whole quickstart."""
    folder = tmp_path_factory.mktemp("quickstart") / "home"
    seen: set[bytes] = set()
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, over))
    watcher.start()
    try:
        done = subprocess.run(
            command(folder, "--json"), env=environment(), capture_output=True, text=True, check=False, timeout=400
        )
    finally:
        over.set()
        watcher.join()
    return Watched(folder, done, seen)


def _watch(seen: set[bytes], over: threading.Event) -> None:
    while not over.wait(SAMPLE_SECONDS):
        for process in Path("/proc").glob("[0-9]*"):
            try:
                seen.add((process / "cmdline").read_bytes())
            except OSError:
                continue


def test_every_job_ends_as_it_should(watched: Watched) -> None:
    """Jobs of three VOs are Done; the one meant to fail Failed, the one nobody can serve still waits."""
    told = summary(watched.done)
    assert told["jobs"] == EXPECTED
    assert 0 < told["bill"]["used"] < told["bill"]["paid"]


def test_every_vm_is_gone_and_nothing_is_left(watched: Watched) -> None:
    """All VMs are Halted, each ran only its own VO's jobs, and no process or mount of them is left."""
    with open_installation(Home(watched.folder)) as ctx, ctx.ledger.read() as tx:
        vms = {vm.id: vm for vm in tx.vms.in_states(tuple(VmState))}
        jobs = tx.jobs.find()
    assert {vm.state for vm in vms.values()} == {VmState.HALTED}
    assert all(vms[job.vm].vo == job.spec.vo for job in jobs if job.vm)
    assert remains(watched.folder, launched_at(watched.cloud)) == []


def test_a_jobs_output_is_what_it_wrote(watched: Watched) -> None:
    """`vmdirac job output` gives the files a payload made: the estimate of pi is one."""
    jobs = json.loads(_ask(watched, "job", "list", "--json"))
    (pi,) = [str(job["id"]) for job in jobs if job["spec"]["name"] == "pi"]
    fetched = watched.folder.parent / "fetched"
    _ask(watched, "job", "output", pi, "--folder", str(fetched))
    assert abs(json.loads((fetched / "pi.json").read_text())["pi"] - 3.14159) < 0.1
    assert "darts" in _ask(watched, "job", "output", pi, "--print")


def _ask(watched: Watched, *arguments: str) -> str:
    base = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(watched.folder)]
    done = subprocess.run([*base, *arguments], env=environment(), capture_output=True, text=True, check=True)
    return done.stdout


def test_no_secret_shows_up_anywhere(watched: Watched) -> None:
    """No enrolment token and no private key stands in logs, runs, consoles, sandboxes, ledger or a command line."""
    secrets = [*(token.encode() for token in watched.tokens()), b"PRIVATE KEY"]
    assert len(secrets) > 3
    own = (watched.folder / "ca", watched.cloud / "launches")  # the keys themselves, and what the cloud was given
    files = [path for path in watched.folder.rglob("*") if path.is_file() and not _is_in(path, own)]
    assert {"scheduler.log", "manager.log", "ledger.db"} <= {path.name for path in files}
    texts = {str(path): path.read_bytes() for path in files}
    texts["what it printed"] = (watched.done.stdout + watched.done.stderr).encode()
    texts["command lines"] = b"\n".join(watched.command_lines)
    assert b"ansible-playbook" in texts["command lines"]
    assert [name for name, text in texts.items() if any(secret in text for secret in secrets)] == []


def _is_in(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def test_an_interrupted_one_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    """Ctrl-C in the middle ends it with an error and nothing left; the next run in the same folder goes well."""
    folder = tmp_path / "home"
    with subprocess.Popen(command(folder), env=environment(), stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert any("Running" in line for line in first.stdout), "it ended before any VM ran"
        first.send_signal(signal.SIGINT)
        first.stdout.read()
        assert first.wait(timeout=120) == 1
    assert remains(folder, launched_at(folder / "localcloud")) == []
    again = subprocess.run(
        command(folder, "--json"), env=environment(), capture_output=True, text=True, check=False, timeout=400
    )
    assert summary(again)["jobs"] == EXPECTED


def test_a_killed_one_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    """After kill -9 of a quickstart the next one in that folder ends what was left, VMs included, and goes well."""
    folder = tmp_path / "home"
    with subprocess.Popen(command(folder), env=environment(), stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert any("Running" in line for line in first.stdout), "it ended before any VM ran"
        first.kill()
    left = Store(folder / "localcloud").launches()
    again = subprocess.run(
        command(folder, "--json"), env=environment(), capture_output=True, text=True, check=False, timeout=400
    )
    assert summary(again)["jobs"] == EXPECTED
    marks = {f"VMDIRAC_INSTANCE={record.id}" for launch in left for record in launch.instances}
    assert marks
    assert _marked_any(marks) == []
    assert remains(folder, launched_at(folder / "localcloud")) == []


def _marked_any(marks: set[str]) -> list[int]:
    return [pid for mark in marks for pid in marked(mark)]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    """A folder that holds no earlier quickstart is refused, and what is in it stays."""
    (tmp_path / "thesis.tex").write_text("years of work")
    done = subprocess.run(
        command(tmp_path), env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "--folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.fixture
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """A folder of an ordinary user with a copy of the checkout, and the command prefix that becomes that user."""
    del tmp_path_factory  # its folders are closed to other users
    base = Path(tempfile.mkdtemp(prefix="vmdirac-ordinary-"))
    try:
        base.chmod(0o755)
        prefix = _become(base)
        for name in ("vmdirac_py", "collections", "playbooks", "roles", "inventories", "examples"):
            shutil.copytree(TOP / name, base / "checkout" / name, ignore=shutil.ignore_patterns("__pycache__"))
        home = base / "home"
        home.mkdir(mode=0o700)
        if prefix[0] == "setpriv":
            os.chown(home, NOBODY, NOBODY)
        yield base, prefix
    finally:
        shutil.rmtree(base)


def _become(base: Path) -> list[str]:
    """Return how to become an ordinary user who can run this interpreter; skip where there is no way."""
    if os.geteuid() != 0:
        return ["env"]
    ways = [
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"],
        # where nobody cannot reach the interpreter: a user namespace, in which we are an ordinary user as well
        ["unshare", "--user", "--map-user=1000", "--map-group=1000"],
    ]
    for way in ways:
        # `env` is the first program that runs with no more than the user's rights
        tried = subprocess.run(
            [*way, "env", sys.executable, "-c", "import os; assert os.geteuid()"], cwd=base, check=False
        )
        if tried.returncode == 0:
            return way
    pytest.skip("no way here to run this interpreter as an ordinary user")


def test_an_ordinary_user_can_run_it(ordinary: tuple[Path, list[str]]) -> None:
    """Nothing of it needs root: an ordinary user with a private home sees the same, and nothing is left."""
    base, prefix = ordinary
    found = environment() | {"HOME": str(base / "home"), "PYTHONPATH": str(base / "checkout"), "TMPDIR": "/tmp"}
    folder = base / "home" / "quickstart"
    done = subprocess.run(
        [*prefix, *command(folder, "--json")],
        env=found,
        cwd=base,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert summary(done)["jobs"] == EXPECTED
    assert remains(folder, launched_at(folder / "localcloud")) == []
