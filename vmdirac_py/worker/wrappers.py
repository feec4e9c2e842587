"""The payloads of DIRAC's pilot, told by their job wrappers: nobody else on this machine knows of them."""

import contextlib
import re
import time
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple

from .processes import patience, variables
from .wire import Slot

_PROC = Path("/proc")
_WRAPPER = re.compile(rb"(?:.*/)?Wrapper_(\d{1,18})")
_DIGITS = 18  # of a number, at most: what is longer is no job's, and payloads name their processes as they like
_JOB, _CORES = b"JOBID=", b"DIRAC_JOB_PROCESSORS="


class Process(NamedTuple):
    """Command line and environment of one process."""

    words: List[bytes]
    variables: List[bytes]


def processes(mark: str, proc: Path = _PROC) -> Iterator[Process]:
    """Yield the living processes whose environment holds `mark` (`NAME=value`)."""
    wanted, until = mark.encode(), patience()
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found = variables(entry, until)
                if wanted in found:
                    yield Process((entry / "cmdline").read_bytes().split(b"\0"), found)


def jobs(found: List[Process]) -> Dict[int, int]:
    """Return the cores of each job that has a wrapper among these processes; 1 until its payload says more."""
    cores = {job: 1 for process in found for job in _wrapped(process)}
    for process in found:
        job, more = _number(process, _JOB), _number(process, _CORES)
        if job in cores and more > 0:
            cores[job] = more
    return cores


class Slots:
    """Remembers since when each payload has been seen."""

    def __init__(self) -> None:
        self._since: Dict[int, float] = {}
        self._cores: Dict[int, int] = {}

    def see(self, cores: Mapping[int, int]) -> bool:
        """Take in the jobs seen now with their cores; return whether anything changed."""
        changed = dict(cores) != self._cores
        now = time.time()
        self._since = {job: self._since.get(job, now) for job in cores}
        self._cores = dict(cores)
        return changed

    def busy(self) -> List[Slot]:
        """Return the slots, oldest first."""
        ordered = sorted(self._since, key=lambda job: (self._since[job], job))
        return [Slot(job, self._cores[job], self._since[job]) for job in ordered]


def _wrapped(process: Process) -> Iterator[int]:
    for word in process.words[1:3]:  # python [option] Wrapper_JOB
        match = _WRAPPER.fullmatch(word)
        if match:
            yield int(match[1])


def _number(process: Process, name: bytes) -> int:
    value = next((one[len(name) :] for one in process.variables if one.startswith(name)), b"")
    return int(value) if value.isdigit() and len(value) <= _DIGITS else 0
