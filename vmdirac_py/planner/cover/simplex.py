"""Linear programs of a dozen rows whose columns come one by one: the primal simplex method in a dense tableau."""

from __future__ import annotations

from collections.abc import Sequence

TOLERANCE = 1e-9
MOST_PIVOTS = 400


class Tableau:
    """Minimise cost times x with columns times x = right side, x >= 0.

    It starts with one variable of the given cost per row, so that it always has a solution. Each row holds its right
    side first, then its entry in every column; `spare` are the reduced costs in the same order.
    """

    def __init__(self, costs: Sequence[float], right: Sequence[float]) -> None:
        size = len(right)
        self._costs = tuple(costs)
        self._rows = [[float(right[row]), *(float(row == column) for column in range(size))] for row in range(size)]
        self._spare = [0.0] * (size + 1)
        self._basis = list(range(1, size + 1))

    @property
    def prices(self) -> list[float]:
        """Return what one unit more of each right side would cost (the dual solution)."""
        return [cost - spare for cost, spare in zip(self._costs, self._spare[1:], strict=False)]

    def add(self, cost: float, column: Sequence[tuple[int, float]]) -> int:
        """Add a column, given by its entries that are not zero, and return its number."""
        for row in self._rows:
            row.append(sum(row[at + 1] * entry for at, entry in column))
        prices = self._costs, self._spare
        self._spare.append(cost - sum((prices[0][at] - prices[1][at + 1]) * entry for at, entry in column))
        return len(self._spare) - 1

    def solve(self) -> dict[int, float]:
        """Return the best solution by column number, without zeros."""
        for _ in range(MOST_PIVOTS):
            spare = self._spare
            enters = min(range(1, len(spare)), key=spare.__getitem__)
            if spare[enters] > -TOLERANCE or not self._pivot(enters):
                break
        return {column: row[0] for column, row in zip(self._basis, self._rows, strict=True) if row[0] > TOLERANCE}

    def _pivot(self, enters: int) -> bool:
        ratios = [
            (row[0] / row[enters], basic, at)
            for at, (row, basic) in enumerate(zip(self._rows, self._basis, strict=True))
            if row[enters] > TOLERANCE
        ]
        if not ratios:
            return False
        leaves = min(ratios)[2]
        pivot = self._rows[leaves][enters]
        chosen = self._rows[leaves] = [entry / pivot for entry in self._rows[leaves]]
        self._basis[leaves] = enters
        for at, row in enumerate(self._rows):
            if at != leaves and row[enters]:
                self._rows[at] = _less(row, row[enters], chosen)
        self._spare = _less(self._spare, self._spare[enters], chosen)
        return True


def _less(row: list[float], factor: float, other: list[float]) -> list[float]:
    return [mine - factor * its for mine, its in zip(row, other, strict=True)]
