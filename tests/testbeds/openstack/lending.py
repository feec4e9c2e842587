"""Projects lent to one test at a time, whichever process it runs in."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator, Sequence

from .bed import Bed
from .values import Project

ROOMY = ("biomed", "lz")
"""Projects without limits."""
TIGHT = ("tight",)
LOOK_S = 0.1


@contextlib.contextmanager
def lent(bed: Bed, names: Sequence[str] = ROOMY) -> Iterator[Project]:
    """Lend the first of these projects that nobody has, waiting for one; it is empty before, and emptied after."""
    with contextlib.ExitStack() as kept:
        while (name := _taken(bed, names, kept)) is None:
            time.sleep(LOOK_S)
        bed.wipe_servers(name)
        try:
            yield bed.projects[name]
        finally:
            bed.wipe_servers(name)


def _taken(bed: Bed, names: Sequence[str], kept: contextlib.ExitStack) -> str | None:
    """Lock one that is free; the lock goes with its process, however that ends."""
    for name in names:
        opened = (bed.home / f"lent-{name}").open("a")
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.close()
        else:
            kept.enter_context(opened)
            return name
    return None
