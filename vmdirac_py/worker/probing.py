"""Commands that may hang, run side by side for a bounded time.

A process that waits for a dead file system cannot even be killed: one that is late is told to die, not waited for.
"""

import inspect
import subprocess
import sys
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from . import probe

_LONGEST = 300  # characters of what a command said


class Trial(NamedTuple):
    """A command: what it looks at, in words; and as whom it runs (uid, None: as the worker)."""

    about: str
    command: Sequence[str]
    uid: Optional[int] = None


def look(kind: str, about: str, *arguments: str, uid: Optional[int] = None) -> Trial:
    """Return the trial of a kind of `probe.py`."""
    # `-I`: nothing of the environment and of the user's packages.
    user = "-" if uid is None else str(uid)
    return Trial(about, [sys.executable, "-I", "-c", inspect.getsource(probe), user, kind, *arguments])


def failing(trials: Sequence[Trial], seconds: float) -> List[str]:
    """Run all side by side; return what is wrong, for each that failed, could not be started or took too long."""
    until = time.monotonic() + seconds
    started = [(trial, _start(trial)) for trial in trials]
    told = [(trial, _wrong(process, until, seconds)) for trial, process in started]
    return [f"{trial.about} {wrong}" for trial, wrong in told if wrong]


def _start(trial: Trial) -> "subprocess.Popen[str] | str":
    become: Dict[str, Any] = {}
    if trial.uid is not None:
        become = {"user": trial.uid, "group": trial.uid, "extra_groups": []}
    try:
        return subprocess.Popen(
            trial.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            start_new_session=True,
            **become,
        )
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"


def _wrong(process: "subprocess.Popen[str] | str", until: float, seconds: float) -> str:
    if isinstance(process, str):
        return process
    try:
        said, _ = process.communicate(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        if process.stdout:
            process.stdout.close()
        return f"does not answer within {seconds:g} s"
    if not process.returncode:
        return ""
    return " ".join(said.split())[-_LONGEST:] or f"fails with exit code {process.returncode}"
