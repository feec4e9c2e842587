import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.planner.cover.simplex import Tableau

entries = st.lists(st.integers(0, 5), min_size=3, max_size=3)


@given(
    st.lists(st.integers(1, 40), min_size=3, max_size=3),
    st.lists(st.integers(0, 40), min_size=3, max_size=3),
    st.lists(st.tuples(st.integers(1, 30), entries), max_size=6),
)
def test_the_solution_is_the_best_there_is(
    costs: list[int], right: list[int], columns: list[tuple[int, list[int]]]
) -> None:
    """It keeps every row; and its prices, at which no column would save anything, prove that none is cheaper."""
    tableau, every = Tableau(costs, right), {at + 1: (cost, {at: 1.0}) for at, cost in enumerate(costs)}
    for cost, column in columns:
        entries = {at: float(entry) for at, entry in enumerate(column)}
        every[tableau.add(cost, list(entries.items()))] = cost, entries
    solution, prices = tableau.solve(), tableau.prices
    for row in range(3):
        total = sum(part * every[number][1].get(row, 0.0) for number, part in solution.items())
        assert total == pytest.approx(right[row], abs=1e-6)
    for cost, column in every.values():
        assert sum(prices[at] * entry for at, entry in column.items()) <= cost + 1e-6
    paid = sum(part * every[number][0] for number, part in solution.items())
    assert paid == pytest.approx(sum(price * most for price, most in zip(prices, right, strict=True)), abs=1e-6)
    assert min(solution.values(), default=0.0) >= 0
