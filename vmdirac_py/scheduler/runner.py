"""One Ansible run, in process and in the calling thread: bounded, scrubbed, and leaving nothing behind.

ansible-runner's own cancel leaves forked workers and modules alive, and it writes the whole process environment
into its artifacts. So each run gets an environment made from nothing, every process in it bears a mark, and
a run is ended by its mark. A run that was killed, or timed out, may have done anything: ask the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Event, Timer
from typing import Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.exceptions import AnsibleRunnerException
from ansible_runner.runner import Runner

from vmdirac_py.base.processes import kill_marked

from .run_environment import environment
from .run_folder import RunFolder

POLL_SECONDS = 1.0  # how often runner asks whether a run that was killed before its first process should end
TAIL = 2000  # characters of output that explain a failure without a result

OnEvent = Callable[[Mapping[str, Any]], None]


class RunStatus(StrEnum):
    """How a run ended; what it did is known only when it is `ok` or `failed`."""

    OK = "ok"
    FAILED = "failed"
    KILLED = "killed"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class RunResult:
    """The end of a run.

    `rc` is ansible-playbook's (None when it was killed), `results` what each finished task returned, in
    order, `error` why it is not ok, `duration` seconds.
    """

    ident: str
    status: RunStatus
    rc: int | None
    results: tuple[Mapping[str, Any], ...]
    error: str
    duration: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run in flight; safe to kill from another thread, at any time."""

    folder: RunFolder
    killed: Event = field(default_factory=Event)
    expired: Event = field(default_factory=Event)

    @property
    def ident(self) -> str:
        """The run's id."""
        return self.folder.ident

    def kill(self) -> None:
        """End every process of the run; what it did so far is unknown."""
        self.killed.set()
        kill_marked(self.folder.mark)

    def expire(self) -> None:
        """End the run because its time is up."""
        self.expired.set()
        kill_marked(self.folder.mark)

    def over(self) -> bool:
        """Tell whether the run was told to end."""
        return self.killed.is_set() or self.expired.is_set()


OnStart = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the run's events told."""

    on_event: OnEvent | None
    results: list[Mapping[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __call__(self, event: Mapping[str, Any]) -> bool:
        """Take an event; False: ansible-runner need not store it."""
        if event["event"] in {"runner_on_ok", "runner_on_failed"}:
            self.results.append(event["event_data"]["res"])
        if event["event"] == "runner_on_failed":
            self.failures.append(str(self.results[-1].get("msg", "")))
        if self.on_event:
            self.on_event(event)
        return False


def run(
    playbook: str,
    extravars: Mapping[str, Any],
    *,
    runs_dir: Path,
    timeout: float,
    on_event: OnEvent | None = None,
    on_start: OnStart | None = None,
) -> RunResult:
    """Run a playbook against localhost and return how it ended.

    Args:
        playbook: a path, or a name such as `vmdirac.cloud.provision`.
        extravars: ids and paths, never a secret.
        runs_dir: where the run's folder is made; deleted afterwards.
        timeout: seconds until the run is killed.
        on_event: called with each of ansible-runner's events, in this thread.
        on_start: called with the run before its first process.

    Raises:
        Unusable: the run's folder cannot be made.
    """
    started = time.monotonic()
    this = Run(RunFolder.make(runs_dir, extravars))
    heard = _Heard(on_event)
    try:
        if on_start:
            on_start(this)
        with _bounded(this, timeout):
            rc = _play(this, playbook, heard)
        return _conclude(this, rc, heard, time.monotonic() - started)
    finally:
        this.folder.discard()


@contextmanager
def _bounded(this: Run, timeout: float) -> Iterator[None]:
    timer = Timer(timeout, this.expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        kill_marked(this.folder.mark)


def _play(this: Run, playbook: str, heard: _Heard) -> int | None:
    config = RunnerConfig(
        private_data_dir=str(this.folder.path), playbook=playbook, ident=this.ident, quiet=True, suppress_env_files=True
    )
    config.prepare()
    config.env = environment(this.folder)
    config.pexpect_timeout = POLL_SECONDS
    try:
        rc: int | None = Runner(config, event_handler=heard, cancel_callback=this.over).run()[1]
    except (AnsibleRunnerException, OSError):
        if not this.over():
            raise
        return None
    return rc


def _conclude(this: Run, rc: int | None, heard: _Heard, duration: float) -> RunResult:
    status = _status(this, rc)
    error = ""
    if status is not RunStatus.OK:
        this.folder.keep_failure()
        error = _error(this, status, heard)
    return RunResult(this.ident, status, rc, tuple(heard.results), error, duration)


def _status(this: Run, rc: int | None) -> RunStatus:
    if rc == 0:
        return RunStatus.OK
    if this.expired.is_set():
        return RunStatus.TIMEOUT
    if this.killed.is_set() or rc is None:
        return RunStatus.KILLED
    return RunStatus.FAILED


def _error(this: Run, status: RunStatus, heard: _Heard) -> str:
    if status is not RunStatus.FAILED:
        return f"the run was ended ({status}); what it did is unknown until the ledger or a listing tells"
    return heard.failures[-1] if heard.failures else this.folder.printed()[-TAIL:].strip()
