"""What is left on this machine: processes and mounts that speak of something."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


def of_program(program: str, pids: list[int]) -> list[int]:
    """Return those of these processes in whose command line `program` stands."""

    def line(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""

    return [pid for pid in pids if program in line(pid)]


def remains(home: Path, instances: Iterable[str]) -> list[str]:
    """Return what is left of an installation: processes that speak of it or of its VMs, and mounts."""
    marks = [f"VMDIRAC_INSTANCE={instance}".encode() for instance in instances]
    found = [f"process {process.pid} {process.text!r}" for process in speaking_of([f"{home}".encode(), *marks])]
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(home) in line]
    return found + mounts


@dataclass(frozen=True, slots=True)
class Process:
    """A process, its environment and command line."""

    pid: int
    text: bytes


def speaking_of(words: list[bytes]) -> list[Process]:
    """Return the processes, but ourselves, in whose environment or command line one of these words stands."""
    others = (process for process in _processes() if process.pid != os.getpid())
    return [process for process in others if any(word in process.text for word in words)]


def _processes() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            yield Process(int(folder.name), text)
