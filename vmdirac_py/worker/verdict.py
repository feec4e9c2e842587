"""What is said of a payload that ended, and its output, packed."""

import glob
from pathlib import Path

from .ce import DONE, FAILED, Outcome
from .cgroup import Used
from .sandbox import TooLarge, pack
from .wire import MAX_OUTPUT, Work

UNPACKED = 20  # an output may be so many times larger before it is packed
_SIGNALLED = range(129, 193)  # how a shell tells of a signal
_MB = 10**6


def verdict(code: int, used: Used, ended_for: str) -> Outcome:
    """Judge a payload by its exit code, what it used, and why it was ended if it was."""
    shown = code if code >= 0 else 128 - code
    state, minor = FAILED, f"Application exit code {code}"
    if ended_for:
        minor = ended_for
    elif used.out_of_memory and code:
        minor = "Memory limit exceeded"
    elif shown in _SIGNALLED:
        minor = f"Application killed by signal {shown - 128}"
    elif not code:
        state, minor = DONE, "Application finished"
    return Outcome(state, minor, shown, "", cpu_seconds=used.cpu_seconds, peak_ram_mb=used.peak_mb)


def packed(outcome: Outcome, work: Work, home: Path, target: Path) -> Outcome:
    """Pack the output of a payload into `target`; what cannot be is said, and too much of it fails the job."""
    names = [glob.escape(work.stdout), glob.escape(work.stderr), *work.output_sandbox]
    try:
        missing = pack(home, names, target, UNPACKED * MAX_OUTPUT)
        too_large = target.stat().st_size > MAX_OUTPUT
    except TooLarge:
        missing, too_large = [], True
    except OSError as error:
        target.unlink(missing_ok=True)  # what there is of it takes the room that the report needs
        return worse(outcome, f"output cannot be packed: {error.strerror}")
    if missing:
        outcome = outcome._replace(minor=f"{outcome.minor}; missing output: {', '.join(missing)}")
    if too_large:
        target.unlink()
        return worse(outcome, f"output larger than {MAX_OUTPUT // _MB} MB")
    return outcome._replace(output=str(target))


def worse(outcome: Outcome, more: str) -> Outcome:
    """Return a failure, for one reason more."""
    return outcome._replace(state=FAILED, minor=f"{outcome.minor}; {more}")
