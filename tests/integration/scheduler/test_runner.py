"""Real Ansible runs through the wrapper."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.base.errors import Unusable
from vmdirac_py.base.processes import marked, start_time
from vmdirac_py.scheduler import run_folder
from vmdirac_py.scheduler.run_folder import KEPT_FAILURES, RunFolder, kill_stale
from vmdirac_py.scheduler.runner import Run, RunStatus, run

pytestmark = pytest.mark.slow

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def playbook(tmp_path: Path) -> Callable[[str], str]:
    """Write a playbook with these tasks and return its path."""

    def write(tasks: str) -> str:
        path = tmp_path / "play.yml"
        head = "- name: Test\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
        path.write_text(head + textwrap.indent(textwrap.dedent(tasks), "    "))
        return str(path)

    return write


def wait_for(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Poll until the condition holds."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)
    return value


def files(folder: Path) -> str:
    """Return the content of all files below a folder, and their names."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(f"{path}\n{path.read_text(errors='replace')}" for path in found)


def test_results_come_back_in_order(tmp_path: Path, playbook: Callable[[str], str]) -> None:
    """What each task returned is collected, extravars included."""
    book = playbook("""
        - name: First
          ansible.builtin.debug:
            msg: "{{ batches | join('+') }}"
        - name: Second
          ansible.builtin.command: echo two
          changed_when: false
    """)
    result = run(book, {"batches": ["b-1", "b-2"]}, runs_dir=tmp_path / "runs", timeout=60)
    assert (result.status, result.rc, result.error) == (RunStatus.OK, 0, "")
    assert [result.results[0]["msg"], result.results[1]["stdout"]] == ["b-1+b-2", "two"]


def test_a_finished_run_leaves_nothing(
    tmp_path: Path, playbook: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the run's folder nor the user's home hold anything after a good run."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    book = playbook("""
        - name: A module
          ansible.builtin.command: "true"
          changed_when: false
    """)
    run(book, {}, runs_dir=tmp_path / "runs", timeout=60)
    assert list((tmp_path / "runs").iterdir()) == []
    assert list(home.iterdir()) == []


def test_the_environment_of_the_daemon_stays_out(
    tmp_path: Path, playbook: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret in our environment reaches neither the run's processes nor any file of the run."""
    monkeypatch.setenv("DATABASE_PASSWORD", SECRET)
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD", SECRET)
    monkeypatch.setenv("AWX_TOKEN", SECRET)
    seen: list[str] = []
    book = playbook("""
        - name: Look around
          ansible.builtin.command: env
          changed_when: false
    """)
    runs = tmp_path / "runs"
    result = run(book, {}, runs_dir=runs, timeout=60, on_event=lambda _: seen.append(files(runs)))
    assert SECRET not in result.results[0]["stdout"]
    assert any('"command"' in text for text in seen), "the artifacts were looked at"
    assert not any(SECRET in text for text in seen)


def test_all_files_of_a_run_are_private(tmp_path: Path, playbook: Callable[[str], str]) -> None:
    """Nobody else can enter a run's folder."""
    modes: list[int] = []
    book = playbook("""
        - name: Nothing
          ansible.builtin.meta: noop
    """)
    run(
        book,
        {},
        runs_dir=tmp_path / "runs",
        timeout=60,
        on_start=lambda it: modes.append(it.folder.path.stat().st_mode),
    )
    assert modes[0] & 0o777 == 0o700


def test_a_failed_run_says_why_and_keeps_what_it_printed(tmp_path: Path, playbook: Callable[[str], str]) -> None:
    """The module's message is the error; the output is kept, the environment and arguments are not."""
    book = playbook("""
        - name: Refuse
          ansible.builtin.fail:
            msg: the cloud is full
    """)
    result = run(book, {"home": "/x"}, runs_dir=tmp_path / "runs", timeout=60)
    assert (result.status, result.error) == (RunStatus.FAILED, "the cloud is full")
    kept = list((tmp_path / "runs").rglob("*"))
    assert [path.name for path in kept if path.is_file()] == [f"{result.ident}.txt"]
    assert "the cloud is full" in kept[-1].read_text()


def test_a_missing_playbook_is_explained(tmp_path: Path) -> None:
    """What ansible-playbook prints becomes the error when no task ran."""
    result = run("vmdirac.cloud.no_such_play", {}, runs_dir=tmp_path / "runs", timeout=60)
    assert result.status is RunStatus.FAILED
    assert "no_such_play" in result.error


def test_only_the_last_failures_are_kept(tmp_path: Path) -> None:
    """The oldest kept outputs go."""
    folders = [RunFolder.make(tmp_path, {}) for _ in range(KEPT_FAILURES + 2)]
    for place, folder in enumerate(folders):
        folder.keep_failure()
        os.utime(tmp_path / "failed" / f"{folder.ident}.txt", (place, place))
    kept = {path.stem for path in (tmp_path / "failed").iterdir()}
    assert kept == {folder.ident for folder in folders[2:]}


LONG = """
    - name: Hang, in a session of its own, with a child
      ansible.builtin.shell: setsid sleep 600 & setsid sleep 601
      changed_when: false
"""


def test_a_killed_run_leaves_no_process(
    tmp_path: Path, playbook: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killing ends workers, modules and detached children, leaves no file, and says that the outcome is unknown."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    started: list[Run] = []

    def killer() -> None:
        wait_for(lambda: started and len(marked(started[0].folder.mark)) >= 4)
        started[0].kill()

    thread = threading.Thread(target=killer)
    thread.start()
    result = run(playbook(LONG), {}, runs_dir=tmp_path / "runs", timeout=60, on_start=started.append)
    thread.join()
    assert result.status is RunStatus.KILLED
    assert "unknown" in result.error
    assert list((tmp_path / "home").iterdir()) == []
    assert marked(started[0].folder.mark) == []


def test_a_run_killed_before_its_first_process_ends(tmp_path: Path, playbook: Callable[[str], str]) -> None:
    """A kill that comes too early for the mark still ends the run."""
    result = run(playbook(LONG), {}, runs_dir=tmp_path / "runs", timeout=60, on_start=Run.kill)
    assert result.status is RunStatus.KILLED
    assert marked(f"{run_folder.MARK}={result.ident}") == []


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path, playbook: Callable[[str], str]) -> None:
    """The timeout ends the whole tree and is told from a failure."""
    result = run(playbook(LONG), {}, runs_dir=tmp_path / "runs", timeout=2)
    assert result.status is RunStatus.TIMEOUT
    assert marked(f"{run_folder.MARK}={result.ident}") == []


def test_an_error_in_a_handler_leaves_no_process(tmp_path: Path, playbook: Callable[[str], str]) -> None:
    """Whatever the event handler raises, the run is ended and its folder gone."""
    started: list[Run] = []

    def broken(event: Any) -> None:
        if event["event"] == "playbook_on_task_start":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(
            playbook(LONG),
            {},
            runs_dir=tmp_path / "runs",
            timeout=60,
            on_event=broken,
            on_start=started.append,
        )
    assert marked(started[0].folder.mark) == []
    assert list((tmp_path / "runs").iterdir()) == []


def test_runs_of_a_dead_starter_are_ended(tmp_path: Path) -> None:
    """After kill -9 of the daemon its runs are found by their mark, ended, and their folders deleted."""
    folder = RunFolder.make(tmp_path, {})
    orphan = subprocess.Popen(["sleep", "600"], env={run_folder.MARK: folder.ident}, start_new_session=True)
    (folder.path / "owner").write_text(f"{orphan.pid} 1")  # a pid that lives, but was started at another time
    assert kill_stale(tmp_path) == [folder.ident]
    assert orphan.wait(10) == -9
    assert not folder.path.exists()


def test_runs_of_a_living_starter_are_left_alone(tmp_path: Path) -> None:
    """Another daemon's or shell's run in flight is nobody else's business."""
    folder = RunFolder.make(tmp_path, {"home": "/x"})
    assert kill_stale(tmp_path) == []
    assert json.loads((folder.path / "env" / "extravars").read_text()) == {"home": "/x"}
    assert start_time(os.getpid())


def test_a_full_or_forbidden_disk_is_named(tmp_path: Path) -> None:
    """When the folder cannot be made the error says where and what to do."""
    (tmp_path / "runs").write_text("a file in the way")
    with pytest.raises(Unusable, match="cannot prepare an Ansible run") as caught:
        run("x.yml", {}, runs_dir=tmp_path / "runs", timeout=1)
    assert caught.value.mend
