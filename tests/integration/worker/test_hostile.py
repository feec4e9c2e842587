"""Hostile payloads: whatever one does, it is held, accounted and cleaned up, in each inner CE it concerns."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.payloads import KINDS, SECONDS, Bench, bench_of, remove_accounts, root_only
from vmdirac_py.worker import element, guard
from vmdirac_py.worker.ce import IN_PROCESS, SINGULARITY, SUDO
from vmdirac_py.worker.leavings import PUBLIC
from vmdirac_py.worker.wire import Credential, Slot

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
    account = bench.ce.account(Slot(1, 1, 0.0, 0))
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


@pytest.mark.parametrize("kind", ISOLATED)
def test_rights_cannot_be_gained(lend: Lend, kind: str) -> None:
    """A payload has no capability, can gain none by a program of root's, and is no member of any other group."""
    bench = lend(kind)
    bench.shell('id -G; id -u; grep -E "CapEff|NoNewPrivs" /proc/self/status')
    seen = bench.output()["std.out"].split()
    account = bench.ce.account(Slot(1, 1, 0.0, 0))
    assert account
    assert seen[:2] == [str(account.gid), str(account.uid)]
    assert seen[seen.index("CapEff:") + 1] == "0000000000000000"
    assert seen[seen.index("NoNewPrivs:") + 1] == "1"
