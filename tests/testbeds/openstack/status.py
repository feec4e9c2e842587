"""What runs of a bed, and what it costs."""

from __future__ import annotations

from pathlib import Path

import msgspec

from . import processes, sharing
from .bed import read
from .client import answers
from .places import Places
from .programs import NAMES

KIB_PER_MIB = 1024


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One program: its processes and their memory in MiB, shared pages counted for each (rss) or split (pss)."""

    program: str
    pids: list[int]
    rss_mb: int
    pss_mb: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A bed as it is now; `up`: every program runs and every API answers."""

    home: Path
    up: bool
    programs: list[Row]
    apis: dict[str, bool]
    users: list[str]
    """Test processes that use it; `held`: somebody brought it up by hand."""
    rss_mb: int
    pss_mb: int


def look(home: Path) -> Status:
    """Look at a bed, changing nothing."""
    places = Places(home)
    rows = [_row(name, processes.living(home)) for name in NAMES]
    bed = read(places.bed.read_bytes()) if places.bed.exists() else None
    urls = bed.urls if bed else {}
    apis = {name: answers(url) for name, url in urls.items()}
    return Status(
        home=home,
        up=bool(apis) and all(apis.values()) and all(row.pids for row in rows),
        programs=rows,
        apis=apis,
        users=sorted(sharing.users(places)),
        rss_mb=sum(row.rss_mb for row in rows),
        pss_mb=sum(row.pss_mb for row in rows),
    )


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
