"""What runs of a bed, and the memory it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from . import processes

KIB_PER_MIB = 1024


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One program: its processes and their memory in MiB, shared pages counted for each (rss) or split (pss)."""

    program: str
    pids: list[int]
    rss_mb: int
    pss_mb: int

    def line(self) -> str:
        """Return it as a line of a table."""
        return f"{self.program:36} {' '.join(map(str, self.pids)) or 'down':24} {self.rss_mb:6} MiB"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A bed as it is now; `up`: every program runs and every API answers."""

    home: Path
    up: bool
    programs: list[Row]
    apis: Mapping[str, bool]
    """What of it was asked by HTTP, and whether it answers."""
    users: list[str]
    """Test processes that use it; `held`: somebody brought it up by hand."""

    @property
    def rss_mb(self) -> int:
        """Memory of all programs, shared pages counted for each."""
        return sum(row.rss_mb for row in self.programs)

    @property
    def pss_mb(self) -> int:
        """Memory of all programs, shared pages split."""
        return sum(row.pss_mb for row in self.programs)

    def as_json(self) -> str:
        """Return it as JSON."""
        told = {**msgspec.structs.asdict(self), "rss_mb": self.rss_mb, "pss_mb": self.pss_mb}
        return msgspec.json.format(msgspec.json.encode(told, enc_hook=str), indent=2).decode() + "\n"

    def table(self) -> str:
        """Return it as lines."""
        rows = [one.line() for one in self.programs]
        rows += [f"{name:36} {'answers' if up else 'no answer'}" for name, up in self.apis.items()]
        total = f"{'up' if self.up else 'not up'}: {self.home}; {self.rss_mb} MiB rss, {self.pss_mb} MiB pss"
        return "\n".join([*rows, f"used by: {' '.join(self.users) or 'nobody'}", total, ""])


def rows(home: Path, names: Sequence[str]) -> list[Row]:
    """Return the programs of these names, changing nothing."""
    living = processes.living(home)
    return [_row(name, living) for name in names]


def _row(name: str, living: list[processes.Process]) -> Row:
    pids = [process.pid for process in living if process.program == name]
    return Row(program=name, pids=pids, rss_mb=_memory(pids, "Rss:"), pss_mb=_memory(pids, "Pss:"))


def _memory(pids: list[int], kind: str) -> int:
    return sum(_kib(pid, kind) for pid in pids) // KIB_PER_MIB


def _kib(pid: int, kind: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(kind))
