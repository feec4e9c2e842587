from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.planner.cover.knapsack import Item, Search

needs = st.tuples(st.integers(1, 4), st.integers(0, 5))
items = st.lists(st.tuples(st.floats(0.1, 9.0), needs, st.integers(1, 3)), max_size=3)


@given(items, st.tuples(st.integers(4, 8), st.integers(5, 12)), st.floats(0.0, 5.0))
def test_the_best_fill_is_found(
    found: list[tuple[float, tuple[int, int], int]], size: tuple[int, int], least: float
) -> None:
    """No fill that fits is worth more; and there is none when none is worth more than the least."""
    mine = [Item(want, worth, need, most) for want, (worth, need, most) in enumerate(found)]
    worths = [
        sum(count * item.worth for count, item in zip(counts, mine, strict=True))
        for counts in product(*(range(item.most + 1) for item in mine))
        if all(
            sum(count * item.need[part] for count, item in zip(counts, mine, strict=True)) <= size[part]
            for part in (0, 1)
        )
    ]
    best = Search(mine, size, least).best
    worth = sum(mine[want].worth * count for want, count in best)
    assert worth >= max(worths) - 1e-6 if best else max(worths) <= least + 1e-6
