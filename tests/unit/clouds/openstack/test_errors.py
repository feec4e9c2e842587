"""What OpenStack's refusals and faults mean."""

from __future__ import annotations

import pytest

from vmdirac_py.clouds import api
from vmdirac_py.clouds.openstack.errors import class_of_fault, refusal
from vmdirac_py.model.batch import ErrorClass

QUOTA = "Quota exceeded for instances: Requested 1, but already used 3 of 3 instances"


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (403, QUOTA, api.QuotaExceeded),
        (413, QUOTA, api.QuotaExceeded),
        (403, "Maximum number of ports exceeded", api.QuotaExceeded),
        (409, "Quota exceeded for resources: ['port'].", api.QuotaExceeded),
        (403, "Policy doesn't allow os_compute_api:servers:create to be performed.", api.AuthFailed),
        (403, "a page: Forbidden", api.AuthFailed),
        (401, "The request you have made requires authentication.", api.AuthFailed),
        (400, "Invalid key_name provided.", api.BadRequest),
        (404, "Instance x could not be found.", api.BadRequest),
        (409, "Multiple security groups found matching 'default'.", api.BadRequest),
        (413, "Request is too large.", api.Throttled),
        (429, "Too many requests", api.Throttled),
        (503, "a page: 503 Service Unavailable", api.Unavailable),
    ],
)
@pytest.mark.parametrize("acts", [True, False])
def test_a_refusal_has_its_type(status: int, text: str, error: type[api.CloudError], acts: bool) -> None:  # noqa: FBT001
    """A status, and its text where it has several meanings, decide the type, whatever the call does."""
    told = refusal(status, text, where="here", acts=acts)
    assert isinstance(told, error)
    assert told.error_class is error.error_class
    assert text in str(told)


@pytest.mark.parametrize("status", [500, 502, 504, 520])
def test_a_failing_cloud_may_have_acted(status: int) -> None:
    """An internal error or a gateway's timeout leaves open what became of a call that acts; a read has no effect."""
    assert type(refusal(status, "Unexpected API Error", where="here", acts=True)) is api.AnswerLost
    assert type(refusal(status, "Unexpected API Error", where="here", acts=False)) is api.Unavailable


@pytest.mark.parametrize(
    ("fault", "error_class"),
    [
        ("No valid host was found. ", ErrorClass.NO_CAPACITY),
        ("No valid host was found. There are not enough hosts available.", ErrorClass.NO_CAPACITY),
        ("Exceeded maximum number of retries. Exhausted all hosts available for retrying", ErrorClass.NO_CAPACITY),
        ("No fixed IP addresses available for network: 7d1c", ErrorClass.NO_CAPACITY),
        ("Quota exceeded for instances: Requested 0, but already used 4 of 3 instances", ErrorClass.QUOTA),
        ("Maximum number of ports exceeded", ErrorClass.QUOTA),
        ("Image 1b2c could not be found.", ErrorClass.BAD_REQUEST),
        ("Block Device Mapping is Invalid: failed to get volume 1.", ErrorClass.BAD_REQUEST),
        ("Something new", ErrorClass.UNAVAILABLE),
    ],
)
def test_a_fault_after_acceptance_has_its_class(fault: str, error_class: ErrorClass) -> None:
    """The text of a server's fault says why it never will run."""
    assert class_of_fault(fault) is error_class


def test_an_endless_text_is_cut() -> None:
    """A refusal of any length makes an error that can be read."""
    assert len(str(refusal(400, "x" * 100_000, where="here", acts=True))) < 500
