"""Errors as answers."""

from __future__ import annotations

import json

import pytest

from vmdirac_py.base.errors import BadInput, Conflict, NotAllowed, UnknownThing, Unusable, VmdiracError
from vmdirac_py.clouds.api import CloudError
from vmdirac_py.ledger.api import LeaseHeld
from vmdirac_py.manager.errors import Misworded, TooBig, TooSlow, Unauthenticated, answer


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInput("x"), 400),
        (Unauthenticated("x"), 401),
        (NotAllowed("x"), 403),
        (UnknownThing("x"), 404),
        (TooSlow("x"), 408),
        (Conflict("x"), 409),
        (LeaseHeld("plan", "root", 1.0), 409),
        (TooBig("x"), 413),
        (Misworded("x"), 422),
        (CloudError("x"), 500),
        (VmdiracError("x"), 500),
        (Unusable("x"), 503),
    ],
)
def test_every_branch_of_the_tree_has_its_status(error: VmdiracError, status: int) -> None:
    """An error is answered by the nearest branch above it."""
    assert answer(error).status_code == status


def test_an_answer_says_what_where_and_how_to_mend() -> None:
    """The three parts of an error reach the client as they are."""
    body = answer(NotAllowed("not yours", where="job 7", mend="drop it")).body
    assert json.loads(bytes(body)) == {"what": "not yours", "where": "job 7", "mend": "drop it"}
