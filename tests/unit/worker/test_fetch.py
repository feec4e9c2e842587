"""What is fetched for payloads, from a manager that is not there."""

from __future__ import annotations

import pytest

from tests.doubles.certificates import TestAuthority
from tests.doubles.vm import work
from vmdirac_py.worker.fetch import Fetch
from vmdirac_py.worker.payload import CannotRun
from vmdirac_py.worker.trust import Manager, Unreachable
from vmdirac_py.worker.wire import Work

JOB = Work(**work(1, "true"))


@pytest.fixture
def fetch() -> Fetch:
    """Where nobody listens."""
    return Fetch(Manager("https://127.0.0.1:1", TestAuthority().pem, ""))


def test_a_newer_credential_is_asked_for_once(fetch: Fetch) -> None:
    """A renewal without answer is over at once: the next one comes soon enough."""
    with pytest.raises(Unreachable):
        fetch.credential(JOB, "1", lambda: False)


def test_the_first_is_waited_for_until_its_payload_is_abandoned(fetch: Fetch) -> None:
    """Without its first credential a payload waits, for as long as it is not killed."""
    asked = iter([False, True])
    with pytest.raises(CannotRun, match="Halted"):
        fetch.credential(JOB, "", lambda: next(asked))
