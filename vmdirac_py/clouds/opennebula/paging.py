"""A whole listing from pages that are counted by offset, while instances come and go between them.

OpenNebula answers pages in the order of the VM numbers (its API_LIST_ORDER: newest first, or last). Each page is one
unbroken run of what there was at its moment. Where the next run begins no later than the last one ended, nothing that
was there throughout lies between them; so pages overlap, and one that does not is asked for again further back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from .reading import Sighted, Unreadable

PAGE = 200
OVERLAP = 20

Fetch = Callable[[int, int], Sequence[Sighted]]


def everything(fetch: Fetch, *, page: int = PAGE, overlap: int = OVERLAP) -> list[Sighted]:
    """Return all there is, in runs of `page` from `fetch(offset, size)`.

    Raises:
        Unreadable: a page is not in the order of the numbers.
    """
    found: dict[int, Sighted] = {}
    offset = 0
    while True:
        run = fetch(offset, page)
        if offset and not _joins(run, found):
            offset = max(0, offset - page)
            continue
        found.update((vm.number, vm) for vm in run)
        if len(run) < page:
            return list(found.values())
        _direction(run)
        offset += page - overlap


def _joins(run: Sequence[Sighted], found: dict[int, Sighted]) -> bool:
    """Tell whether a run begins within, or at the end of, what was found before it."""
    if not run:
        return False
    _direction(run)
    return min(found) <= run[0].number <= max(found)


def _direction(run: Sequence[Sighted]) -> None:
    """Check that a run is in order. Raises Unreadable."""
    steps = {after.number > before.number for before, after in pairwise(run)}
    if len(steps) > 1:
        raise Unreadable("a page that is not in the order of the VM numbers")
