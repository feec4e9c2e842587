"""Errors of the tree as HTTP statuses, as workers understand them."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from vmdirac_py.base.errors import BadInput, Conflict, NotAllowed, TryAgain, UnknownThing, Unusable, VmdiracError
from vmdirac_py.manager.errors import status_of


@pytest.mark.parametrize("error", [TryAgain("busy"), Unusable("disk full")])
def test_what_may_work_later_is_no_final_no(error: VmdiracError) -> None:
    """A busy or full ledger is 503: a worker keeps its report, or its enrolment, and comes again."""
    assert status_of(error) is HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "status"),
    [(Conflict("moved"), 409), (BadInput("wrong"), 400), (UnknownThing("who"), 404), (NotAllowed("no"), 403)],
)
def test_a_final_no_is_a_client_error(error: VmdiracError, status: int) -> None:
    """What repeating cannot mend is in the 400s."""
    assert status_of(error) == status
