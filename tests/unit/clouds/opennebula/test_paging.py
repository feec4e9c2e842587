"""Listings by pages: what was there throughout is never lost, whatever comes and goes between the pages."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vmdirac_py.clouds.opennebula.paging import everything
from vmdirac_py.clouds.opennebula.reading import Sighted, Unreadable


class Changing:
    """VM numbers that are listed by pages, with changes after each page: so many end, so many begin."""

    def __init__(self, numbers: set[int], changes: list[tuple[list[int], int]], *, newest_first: bool) -> None:
        self.numbers = set(numbers)
        self.stayed = set(numbers)
        self._changes = iter(changes)
        self._newest_first = newest_first
        self._next = max(numbers, default=0) + 1

    def fetch(self, offset: int, size: int) -> list[Sighted]:
        """Return a page, and let something happen after it."""
        run = sorted(self.numbers, reverse=self._newest_first)[offset : offset + size]
        ending, beginning = next(self._changes, ([], 0))
        self.numbers -= set(ending)
        self.stayed -= set(ending)
        self.numbers |= set(range(self._next, self._next + beginning))
        self._next += beginning
        return [Sighted(number, None) for number in run]


NUMBERS = st.sets(st.integers(0, 60), max_size=50)
CHANGES = st.lists(st.tuples(st.lists(st.integers(0, 60), max_size=30), st.integers(0, 12)), max_size=12)


@example(numbers=set(range(30)), changes=[(list(range(20, 30)), 0)], newest_first=True)
@example(numbers=set(range(30)), changes=[(list(range(10)), 0)], newest_first=False)
@given(numbers=NUMBERS, changes=CHANGES, newest_first=st.booleans())
def test_what_stayed_is_there_once(
    numbers: set[int], changes: list[tuple[list[int], int]], *, newest_first: bool
) -> None:
    """In either order of the front end, all that was there from the first page to the last is listed, each once."""
    cloud = Changing(numbers, changes, newest_first=newest_first)
    listed = [vm.number for vm in everything(cloud.fetch, page=7, overlap=2)]
    assert len(set(listed)) == len(listed)
    assert cloud.stayed <= set(listed)


@pytest.mark.parametrize("there", [0, 1, 6, 7, 8, 12, 13, 100])
def test_a_quiet_listing_is_exact(there: int) -> None:
    """Where nothing changes the listing is what there is, at every length around the page's."""
    cloud = Changing(set(range(there)), [], newest_first=True)
    assert {vm.number for vm in everything(cloud.fetch, page=7, overlap=2)} == set(range(there))


def test_a_page_in_no_order_is_no_listing() -> None:
    """Completeness rests on the order of the numbers: a page without it is refused."""
    page = [Sighted(number, None) for number in (3, 1, 2)]
    with pytest.raises(Unreadable):
        everything(lambda offset, size: page[offset : offset + size], page=3, overlap=1)
