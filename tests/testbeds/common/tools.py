"""Programs that are run to their end: installers, schema makers, the seed."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import Broke

TAIL = 3000
"""Characters of a log that an error shows."""
BOUND = ("setpriv", "--pdeathsig", "KILL")
"""Ends a program when we are killed: none goes on in a bed that the next `up` makes anew."""
Command = Sequence[str | Path]


def tail(log: Path) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-TAIL:] if log.exists() else ""


def run(command: Command, *, log: Path, environment: Mapping[str, str], bound: Sequence[str] = BOUND) -> None:
    """Run a program to its end, its words into a log.

    Raises:
        Broke: it ended badly; the error shows the end of the log.
    """
    with log.open("ab") as words:
        done = subprocess.run(
            [*bound, *command], stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=environment, check=False
        )
    _judge(command, done.returncode, log)


def answer(command: Command, *, given: str, log: Path, environment: Mapping[str, str]) -> str:
    """Give a program a text on its standard input and return what it prints; raise `Broke` as `run` does."""
    with log.open("ab") as words:
        done = subprocess.run(
            [*BOUND, *command],
            input=given,
            stdout=subprocess.PIPE,
            stderr=words,
            env=environment,
            check=False,
            text=True,
        )
    _judge(command, done.returncode, log)
    return done.stdout


def _judge(command: Command, code: int, log: Path) -> None:
    if code:
        raise Broke(f"{Path(command[0]).name} ended with {code}\n{tail(log)}", where=str(log))


class Chains:
    """Several sequences of programs, side by side; none goes on when one fails or we are interrupted."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, chain: Sequence[Command], log: Path) -> None:
        """Run one chain in this thread; raise `Broke` where one of its programs ends badly."""
        for command in chain:
            process = self._started(command, log)
            code = process.wait()
            with self._lock:
                self._running.discard(process)
            _judge(command, code, log)

    def stop(self) -> None:
        """End the programs that run and let no other begin."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    def _started(self, command: Command, log: Path) -> subprocess.Popen[bytes]:
        with self._lock, log.open("ab") as words:
            if self._stopped:
                raise Broke("stopped, because something else failed", where=str(log))
            process = subprocess.Popen(
                [*BOUND, *command], stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=self._environment
            )
            self._running.add(process)
            return process
