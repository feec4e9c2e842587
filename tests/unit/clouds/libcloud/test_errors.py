"""Whatever libcloud raises becomes one error of our tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError

from vmdirac_py.clouds import api
from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest, CloudError, NoCapacity, Throttled, Unavailable
from vmdirac_py.clouds.libcloud.cloud import UnreadableError
from vmdirac_py.clouds.libcloud.errors import told, told_of_change
from vmdirac_py.clouds.libcloud.providers import EC2, OPENSTACK
from vmdirac_py.clouds.libcloud.wire import NoAnswerError, NotReachedError

STATUSES = st.none() | st.integers(100, 599)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("VcpuLimitExceeded: You have requested more vCPU capacity than allowed", api.QuotaExceeded),
        ("InstanceLimitExceeded: no", api.QuotaExceeded),
        ("InsufficientInstanceCapacity: no", NoCapacity),
        ("InsufficientFreeAddressesInSubnet: no", NoCapacity),
        ("RequestLimitExceeded: slow down", Throttled),
        ("AuthFailure: no", AuthFailed),
        ("UnauthorizedOperation: no", AuthFailed),
        ("InvalidAMIID.NotFound: no", BadRequest),
        ("Unsupported: no", BadRequest),
        ("ServiceUnavailable: no", Unavailable),
    ],
)
def test_ec2_codes(text: str, error: type[CloudError]) -> None:
    """EC2's codes decide, whatever the status."""
    assert {type(told(BaseHTTPError(status, text), EC2, "here")) for status in (200, 400, 403, 500)} == {error}


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (403, "Quota exceeded for instances: Requested 1, but already used 3 of 3 instances", api.QuotaExceeded),
        (403, "Policy doesn't allow os_compute_api:servers:create to be performed.", AuthFailed),
        (413, "Over limit", api.QuotaExceeded),
        (400, "No valid host was found. There are not enough hosts available.", NoCapacity),
        (400, "Invalid key_name provided.", BadRequest),
        (409, "Conflict", BadRequest),
        (429, "Too many requests", Throttled),
        (503, "<html>oops</html>", Unavailable),
        (302, "", Unavailable),
    ],
)
def test_openstack_words_and_statuses(status: int, text: str, error: type[CloudError]) -> None:
    """A quota is told from a policy by its words; where they say nothing the status does."""
    assert type(told(BaseHTTPError(status, f"{status} reason {text}"), OPENSTACK, "here")) is error


@pytest.mark.parametrize(
    "text", ["RequestExpired: Request has expired.", "SignatureDoesNotMatch: Signature expired: no"]
)
def test_clocks_that_differ_are_named(text: str) -> None:
    """A request that is too old is a matter of the clock, and the mend says so."""
    error = told(BaseHTTPError(400, text), EC2, "here")
    assert type(error) is AuthFailed
    assert "clock" in error.mend


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (InvalidCredsError(), AuthFailed),
        (RateLimitReachedError(headers={"retry-after": "1"}), Throttled),
        (MalformedResponseError("Failed to parse XML", body="<secret-in-a-body>"), Unavailable),
        (LibcloudError("anything"), Unavailable),
        (KeyError("secret-in-a-body"), Unavailable),
        (NotReachedError("nobody"), Unavailable),
        (NoAnswerError("too late"), Unavailable),
        (UnreadableError("another question's"), Unavailable),
        (BadRequest("no such image"), BadRequest),
    ],
)
def test_each_kind_of_error(raised: Exception, error: type[CloudError]) -> None:
    """Each kind of exception has one meaning, says where, and never shows a body."""
    meant = told(raised, OPENSTACK, "here")
    assert type(meant) is error
    assert (meant.where, bool(meant.what)) == ("here", True)
    assert "secret-in-a-body" not in str(meant)


@given(st.lists(STATUSES, max_size=4), st.integers(300, 599), st.sampled_from(["AuthFailure: no", "Odd: no", ""]))
def test_what_may_have_come_to_be_is_lost(asked: list[int | None], status: int, text: str) -> None:
    """An error after a create that was answered well, or not at all, is a lost answer, whatever it says."""
    meant = told_of_change(BaseHTTPError(status, text), EC2, "here", asked)
    if any(answered is None or answered < 300 for answered in asked):
        assert type(meant) is AnswerLost
    elif not asked:
        assert type(meant) is type(told(BaseHTTPError(status, text), EC2, "here"))


@given(st.integers(300, 599))
def test_a_refusal_with_a_known_meaning_had_no_effect(status: int) -> None:
    """A refusal the cloud explained is that refusal, also where its status is a server's fault."""
    error = BaseHTTPError(status, "InsufficientInstanceCapacity: no")
    assert type(told_of_change(error, EC2, "here", [status])) is NoCapacity


@given(st.text())
def test_texts_are_short_single_lines(text: str) -> None:
    """However long or wild a cloud's text, an error has one line of it."""
    what = told(BaseHTTPError(400, text), OPENSTACK, "here").what
    assert 0 < len(what) <= 400
    assert len(what.splitlines()) == 1
