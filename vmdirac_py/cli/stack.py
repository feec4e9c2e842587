"""The processes of one installation on one machine, started together, watched, and stopped without a trace."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vmdirac_py.base.errors import Conflict
from vmdirac_py.base.processes import kill_marked
from vmdirac_py.base.settings import HOME_VARIABLE, Home
from vmdirac_py.scheduler.run_folder import kill_stale

MARK = "VMDIRAC_STACK"
RESTART_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STOP_SECONDS = 30.0


@dataclass
class Service:
    """One long-running command, restarted when it dies."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    restart_at: float = 0.0


@dataclass
class Stack:
    """All services of a home; `on_death` is told the name and exit code of each that died."""

    home: Home
    services: list[Service] = field(default_factory=list)
    on_death: Callable[[str, int], None] = lambda _name, _code: None

    def start(self) -> None:
        """Start everything; what an earlier stack of this home left behind is ended first."""
        self._clear()
        for service in self.services:
            self._spawn(service)

    def tend(self) -> None:
        """Restart what died, after a pause that grows with each death."""
        for service in self.services:
            code = service.process.poll() if service.process else None
            if code is not None and service.process is not None:
                service.process = None
                service.deaths += 1
                service.restart_at = time.monotonic() + min(LONGEST_PAUSE, RESTART_PAUSE * 2 ** (service.deaths - 1))
                self.on_death(service.name, code)
            if service.process is None and time.monotonic() >= service.restart_at:
                self._spawn(service)

    def stop(self) -> None:
        """Stop everything: politely first, then by mark, so that nothing of this home is left."""
        living = [service.process for service in reversed(self.services) if service.process]
        until = time.monotonic() + STOP_SECONDS
        for process in living:
            process.terminate()
        for process in living:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, until - time.monotonic()))
        self._clear()

    def pid(self, name: str) -> int:
        """Return the pid of a service, 0 while it is down."""
        process = next(service.process for service in self.services if service.name == name)
        return process.pid if process else 0

    def last_line(self, name: str) -> str:
        """Return the last thing a service wrote into its log."""
        lines = self._log(name).read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")

    def _clear(self) -> None:
        """End what no longer has anybody it belongs to: services, and then the runs of a scheduler that is gone."""
        kill_marked(self._mark)
        kill_stale(self.home.runs)

    def _log(self, name: str) -> Path:
        return self.home.logs / f"{name}.log"

    @property
    def _mark(self) -> str:
        return f"{MARK}={self.home.root}"

    def _spawn(self, service: Service) -> None:
        environment = os.environ | {MARK: str(self.home.root), HOME_VARIABLE: str(self.home.root)}
        with self._log(service.name).open("ab") as log:
            service.process = subprocess.Popen(
                service.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def standard_stack(home: Home) -> Stack:
    """Return the manager and the scheduler of a home."""
    command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(home.root)]
    return Stack(home, [Service("manager", [*command, "serve"]), Service("scheduler", [*command, "run"])])


@contextlib.contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the home's stack lock for the length of a `with`.

    Raises:
        Conflict: another `vmdirac up` runs on this home.
    """
    path = home.root / "up.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("`vmdirac up` runs here already", where=str(home.root), mend="stop that one first") from None
        yield


def stop_event() -> threading.Event:
    """Return an event that is set when somebody asks this program to end; a terminal that is closed does so too."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves it
            signal.signal(number, lambda *_: stop.set())
    return stop
