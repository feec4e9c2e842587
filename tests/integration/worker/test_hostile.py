"""Hostile payloads: whatever one does, it is held, accounted and cleaned up, in each inner CE it concerns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.manager import ManagerDouble
from tests.doubles.vm import VmProcess, tar_of, texts_of, work
from tests.support.payloads import KINDS, SECONDS, Bench, bench_of, need_bubblewrap, remove_accounts, root_only
from vmdirac_py.worker import element, guard, spaces
from vmdirac_py.worker.ce import IN_PROCESS, SINGULARITY, SUDO
from vmdirac_py.worker.cgroup import Group
from vmdirac_py.worker.leavings import PUBLIC
from vmdirac_py.worker.payload import Place
from vmdirac_py.worker.wire import Credential, Slot, Work

pytestmark = root_only
ISOLATED = (SUDO, SINGULARITY)
PROXY = Credential("1", "-----BEGIN PROXY-----\nsecret\n", "token-secret")
Lend = Callable[..., Bench]


@pytest.fixture(scope="module", autouse=True)
def _accounts() -> Iterator[None]:
    """Remove the unix users at the end."""
    yield
    remove_accounts()


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Lend benches, and check that their payloads left neither process nor control group."""
    lent = []

    def get(kind: str, **options: Any) -> Bench:
        context = bench_of(kind, **options)
        lent.append((context, context.__enter__()))
        return lent[-1][1]

    yield get
    try:
        for _, bench in lent:
            assert [pid for job in (1, 2) for pid in bench.processes(job)] == []
            assert bench.groups() == []
    finally:
        for context, _ in lent:
            context.__exit__(None, None, None)


@pytest.mark.parametrize("kind", ISOLATED)
def test_another_slots_credential_cannot_be_read(lend: Lend, kind: str) -> None:
    """The owner's own payload reads its proxy and token; the payload beside it reads neither, nor their names."""
    bench = lend(kind)
    bench.owner = PROXY
    victim = bench.start("sh", "-c 'cat $X509_USER_PROXY $BEARER_TOKEN_FILE; sleep 1000'", credential=True)
    assert bench.was_started.wait(SECONDS)
    top = bench.folder / "jobs" / "1.1"
    seen = _until_written(top / "home" / "std.out")
    assert seen == PROXY.proxy + PROXY.token
    script = f"cat {top}/credentials/proxy; cat {top}/credentials/token; ls {bench.folder}/jobs; ls {top}/home"
    bench.shell(script, job=2)
    seen = bench.output()["std.out"]
    assert "secret" not in seen
    assert "1.1" not in seen
    assert "std.out" not in seen
    victim.kill()
    assert not top.exists()


def _until_written(path: Path) -> str:
    until = time.monotonic() + SECONDS
    while not path.stat().st_size:
        assert time.monotonic() < until
        time.sleep(0.02)
    return path.read_text()


@pytest.mark.parametrize("kind", ISOLATED)
def test_another_slots_processes_cannot_be_touched(lend: Lend, kind: str) -> None:
    """A payload sees no process of another slot and of the worker, and cannot signal one."""
    bench = lend(kind)
    victim = bench.start("sleep", "1000")
    assert bench.was_started.wait(SECONDS)
    pids = " ".join(map(str, [os.getpid(), *bench.processes()]))
    script = (
        f"for pid in {pids}; do kill -9 $pid && echo hit $pid; cat /proc/$pid/environ && echo seen; done; kill -9 -1"
    )
    bench.shell(script, job=2)
    assert victim.poll() is None
    assert bench.processes(1) != []
    victim.kill()


@pytest.mark.parametrize("kind", ISOLATED)
def test_the_vms_key_cannot_be_read(lend: Lend, kind: str) -> None:
    """The key of the VM is out of reach: by its path, and by an output that is a link to it."""
    bench = lend(kind)
    key = bench.folder / "vm.key"
    key.write_text("PRIVATE")
    key.chmod(0o600)
    bench.shell(f"cat {key}; ln {key} hard; ln -sf {key} std.err; ln -s {key} link", output_sandbox=["link", "hard"])
    assert "PRIVATE" not in "".join(bench.output().values())


@pytest.mark.parametrize("kind", KINDS)
def test_forks_without_end_are_held(lend: Lend, kind: str) -> None:
    """A fork bomb gets its number of processes and no more, and all of them end with its time."""
    bench = lend(kind, processes=60)
    outcome = bench.shell("bomb() { bomb | bomb & }; bomb & while :; do :; done", cpu_seconds=2)
    assert outcome.minor == "CPU time exceeded"
    assert outcome.cpu_seconds > 0


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_held_and_told(lend: Lend, kind: str) -> None:
    """A payload that takes more memory than was set aside is ended, and its user is told what for."""
    bench = lend(kind)
    outcome = bench.shell("head -c 300000000 /dev/zero | tail > all; exit 1", ram_mb=40)
    assert (outcome.state, outcome.minor) == ("Failed", "Memory limit exceeded")
    assert 30 <= outcome.peak_ram_mb <= 40


@pytest.mark.parametrize("kind", KINDS)
def test_a_filled_disk_is_told(lend: Lend, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload that fills the disk, in its folder or in /tmp, is ended for it."""
    monkeypatch.setattr(guard, "_DISK_SECONDS", 0.1)
    bench = lend(kind, disk_mb=10)
    place = "$TMPDIR" if kind == IN_PROCESS else "/tmp"
    outcome = bench.shell(f"head -c 30000000 /dev/zero > {place}/fill; sleep 1000")
    assert outcome.minor == "Disk limit of 10 MB exceeded (MaxDisk)"


@pytest.mark.parametrize("kind", KINDS)
def test_output_without_end_is_cut(lend: Lend, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload that prints without end is ended; its user gets the beginning."""
    monkeypatch.setattr(guard.StreamLimit, "every", 0.1)
    bench = lend(kind, stream_mb=1)
    outcome = bench.run("yes")
    assert outcome.minor == "Output stream larger than 1 MB"
    assert len(bench.output()["std.out"]) == 2**20


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_escapes_its_end(lend: Lend, kind: str) -> None:
    """A payload that ignores signals and whose children hide (new session, no environment, orphaned) ends wholly."""
    bench = lend(kind)
    hide = '(env -i setsid sh -c "trap : TERM HUP INT; sleep 1000" &) ; setsid sleep 1000 &'
    outcome = bench.shell(f"trap : TERM; {hide} sleep 1000 & wait; sleep 1000", cpu_seconds=1)
    assert outcome.minor == "CPU time exceeded"


@pytest.mark.parametrize("kind", ISOLATED)
@pytest.mark.parametrize("namespaces", ["with", "without"])
def test_nothing_is_left_in_public_places(
    lend: Lend, kind: str, namespaces: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public files and System V memory are gone with their payload, with namespaces or without."""
    if namespaces == "without":
        monkeypatch.setattr(element.spaces, "possible", lambda: False)
    bench = lend(kind)
    account = bench.ce.account(Slot(1, 1, 0.0))
    assert account
    script = "for d in /tmp /var/tmp /dev/shm; do mkdir -p $d/mine.$$/a && echo x > $d/mine.$$/a/b && echo made; done"
    bench.shell(f"{script}; ipcmk -M 4096 -S 1 -Q")
    assert bench.output()["std.out"].count("made") == 3
    assert "hared memory" in bench.output()["std.out"]
    assert [
        str(path) for place in PUBLIC if place.is_dir() for path in place.iterdir() if _is_of(path, account.uid)
    ] == []
    for kind_of_ipc in ("shm", "sem", "msg"):
        table = Path("/proc/sysvipc", kind_of_ipc).read_text().split()
        assert str(account.uid) not in table


def _is_of(path: Path, uid: int) -> bool:
    try:
        return path.lstat().st_uid == uid
    except FileNotFoundError:
        return False


# A library that notes whose process loads it, by nothing but system calls: it must load into any program.
_LIBRARY = """
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void note(void) {
    int file = open("NOTES", O_WRONLY | O_APPEND);
    if (file >= 0) { if (write(file, getuid() ? "u" : "ROOT", getuid() ? 1 : 4) < 0) _exit(9); close(file); }
}
"""


def _library(folder: Path, notes: Path) -> bytes:
    source, made = folder / "note.c", folder / "note.so"
    source.write_text(_LIBRARY.replace("NOTES", str(notes)))
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler (cc)")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source], check=True)
    return made.read_bytes()


@pytest.mark.parametrize("kind", ISOLATED)
def test_a_jobs_library_is_loaded_by_its_payload_alone(lend: Lend, kind: str, tmp_path: Path) -> None:
    """A library the job has the loader load runs in no process that is root's."""
    bench = lend(kind)
    notes = bench.folder / "notes"
    notes.touch()
    notes.chmod(0o666)
    bench.sandbox = tar_of({"x.so": _library(tmp_path, notes)})
    outcome = bench.run("env", input_sandbox=True, environment={"LD_PRELOAD": "./x.so"})
    assert outcome.state == "Done"
    assert "LD_PRELOAD=./x.so\n" in bench.output()["std.out"]
    assert set(notes.read_text()) == ({"u"} if kind == SUDO else set())  # no container sees the notes


@pytest.mark.parametrize("kind", ISOLATED)
def test_a_jobs_path_finds_programs_for_its_payload_alone(lend: Lend, kind: str) -> None:
    """A PATH that leads into the sandbox makes nothing that stands around the payload run its programs."""
    bench = lend(kind)
    note = "#!/bin/sh\n/usr/bin/id -u >> /var/tmp/notes; exit 3\n"
    names = ("unshare", "setpriv", "mount", "prlimit", "bwrap", "mkdir", "env", "sed", "readlink")
    bench.sandbox = tar_of(dict.fromkeys(names, note), mode=0o755)
    account = bench.ce.account(Slot(1, 1, 0.0))
    assert account
    script = "unshare; /bin/cat /var/tmp/notes"
    environment = {"PATH": ".:/usr/bin:/bin"}
    outcome = bench.run("/bin/sh", f"-c '{script}'", input_sandbox=True, environment=environment)
    assert outcome.state == "Done"
    assert bench.output()["std.out"].split() == [str(account.uid)]
    assert not Path("/var/tmp/notes").exists()


@pytest.mark.parametrize("kind", ISOLATED)
def test_rights_cannot_be_gained(lend: Lend, kind: str) -> None:
    """A payload has no capability, can gain none, is in no other group, and may read what it printed."""
    bench = lend(kind)
    bench.shell('id -G; id -u; test -r std.out && echo reads; grep -E "CapEff|NoNewPrivs" /proc/self/status')
    seen = bench.output()["std.out"].split()
    account = bench.ce.account(Slot(1, 1, 0.0))
    assert account
    assert seen[:3] == [str(account.gid), str(account.uid), "reads"]
    assert seen[seen.index("CapEff:") + 1] == "0000000000000000"
    assert seen[seen.index("NoNewPrivs:") + 1] == "1"


@pytest.mark.parametrize("kind", KINDS)
def test_a_cage_that_cannot_be_entered_fails_no_job(lend: Lend, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a payload cannot be walled in it does not run, and its job goes to another VM."""
    bench = lend(kind)
    cage = bench.ce._cage

    def broken(job: Work, place: Place) -> Group:
        group = cage(job, place)
        assert group
        group.doors = [Path("/no/such/door")]
        return group

    monkeypatch.setattr(bench.ce, "_cage", broken)
    outcome = bench.shell("exit 125")
    assert (outcome.state, outcome.exit_code, outcome.output) == ("Lost", None, "")


def test_namespaces_that_cannot_be_made_fail_no_job(lend: Lend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Namespaces that were possible once, and are no more, are the machine's fault; an exit code is the job's."""
    bench = lend(SUDO)
    assert bench.shell("exit 125").minor == "Application exit code 125"
    monkeypatch.setattr(spaces, "_UNSHARE", ("false",))
    assert bench.shell("true").state == "Lost"


def test_a_whole_worker_runs_payloads_as_other_users(manager: ManagerDouble, pyz: Path) -> None:
    """The bundle as root, two jobs side by side: each runs as a user of its own and reads its machine's features."""
    with bench_of(SUDO) as bench:
        script = "-c 'id -un; cat $MACHINEFEATURES/total_cpu $JOBFEATURES/job_id; touch ../../here 2>&1 | wc -l'"
        manager.script.work = [work(job, "sh", script) for job in (1, 2)]
        manager.script.idle_seconds = 1.0
        started = VmProcess(
            bench.folder, pyz, manager, sys.executable, inner_ce="Pool/Sudo", ce={"accounts": "vmdtwhole"}
        )
        try:
            assert started.ended(60) == 0, started.log
        finally:
            started.process.kill()
            remove_accounts("vmdtwhole")
    printed = [texts_of(manager.outputs[job])["std.out"].split() for job in (1, 2)]
    assert {lines[0] for lines in printed} <= {"vmdtwhole_00", "vmdtwhole_01"}
    assert [lines[1:] for lines in printed] == [["4", "1", "1"], ["4", "2", "1"]]
    done = [told for told in manager.messages("report") if told["state"] == "Done"]
    assert all(told["cpu_seconds"] > 0 and told["peak_ram_mb"] > 0 for told in done)


def test_a_worker_that_cannot_wall_payloads_in_leaves(manager: ManagerDouble, start: Any) -> None:
    """A VM whose pool wants containers and that has no runtime takes no job: it says why and leaves."""
    manager.script.work = [work(1, "true")]
    vm = start(inner_ce="Pool/Singularity", ce={"runtime": "/no/such/program"})
    vm.ended(60)
    (left,) = manager.messages("leave")
    assert left["reason"] == "environment"
    assert "neither apptainer nor singularity" in left["detail"]
    assert manager.of("match") == []


def test_containers_need_no_root(tmp_path: Path) -> None:
    """A worker that is no root walls payloads in by containers as well; by unix users it cannot, and says so."""
    need_bubblewrap()
    command = [
        "unshare",
        "--user",
        "--map-user=1000",
        "--map-group=1000",
        sys.executable,
        "-m",
        "tests.support.rootless",
    ]
    done = subprocess.run([*command, tmp_path], capture_output=True, check=True, timeout=SECONDS)
    told = json.loads(done.stdout)
    assert told["output"]["std.out"] == "1000\ntoken-of-the-owner"
    assert "PRIVATE" not in str(told["output"])
    assert (told["uid"], told["problems"], told["left"]) == (1000, [], [])
    assert "not root" in told["sudo"][0]
    assert b"cannot be removed" not in done.stderr
    assert list((tmp_path / "jobs").iterdir()) == []
