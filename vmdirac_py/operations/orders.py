"""Orders to retire an image, as they stand in the ledger: every plan follows them, nothing is launched against them."""

from __future__ import annotations

from collections.abc import Iterable

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.plan import RetireOrder
from vmdirac_py.model.reason import Reason
from vmdirac_py.planner.retire.image_orders import closed

DOCUMENT = "image.orders"
FIELDS = ("image", "since", "by", "vms", "actor")


def standing(tx: Transaction) -> tuple[RetireOrder, ...]:
    """Return the orders that stand."""
    return tuple(RetireOrder(**told) for told in tx.documents.load(DOCUMENT) or ())


def closing(tx: Transaction, image: str) -> Reason | None:
    """Return why nothing may be launched from an image, if an order says so."""
    return next((closed(order) for order in standing(tx) if order.image == image), None)


def save(tx: Transaction, orders: Iterable[RetireOrder]) -> None:
    """Make these the orders that stand."""
    tx.documents.save(DOCUMENT, [{name: getattr(order, name) for name in FIELDS} for order in orders])
