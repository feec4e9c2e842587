"""What runs of a control plane, and what it costs."""

from __future__ import annotations

from pathlib import Path

from tests.testbeds.common import sharing
from tests.testbeds.common.memory import Status, rows

from .bed import read
from .client import answers
from .places import Places
from .programs import NAMES


def look(home: Path) -> Status:
    """Look at a bed, changing nothing."""
    places = Places(home)
    programs = rows(home, NAMES)
    bed = read(places.bed.read_bytes()) if places.bed.exists() else None
    urls = bed.urls if bed else {}
    apis = {name: answers(url) for name, url in urls.items()}
    up = bool(apis) and all(apis.values()) and all(row.pids for row in programs)
    return Status(home=home, up=up, programs=programs, apis=apis, users=sorted(sharing.users(places)))
