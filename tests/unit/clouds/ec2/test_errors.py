"""What a code of the cloud becomes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.clouds import api
from vmdirac_py.clouds.api import AnswerLost, CloudError, Unavailable
from vmdirac_py.clouds.ec2.errors import CODES, MAX_TEXT, TYPES, error_of, first_line, mend_of, type_of


def answer(code: str, status: int = 400, message: str = "no") -> dict[str, Any]:
    """Return a refusal as the library parses it."""
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("InstanceLimitExceeded", 400, api.QuotaExceeded),
        ("VcpuLimitExceeded", 400, api.QuotaExceeded),
        ("MaxSpotInstanceCountExceeded", 400, api.QuotaExceeded),
        ("InsufficientInstanceCapacity", 500, api.NoCapacity),
        ("InsufficientFreeAddressesInSubnet", 400, api.NoCapacity),
        ("Unsupported", 400, api.NoCapacity),
        ("UnauthorizedOperation", 403, api.AuthFailed),
        ("InvalidClientTokenId", 403, api.AuthFailed),
        ("ExpiredToken", 400, api.AuthFailed),
        ("RequestLimitExceeded", 503, api.Throttled),
        ("Throttling", 400, api.Throttled),
        ("InvalidAMIID.Malformed", 400, api.BadRequest),
        ("InvalidSubnetID.NotFound", 400, api.BadRequest),
        ("MissingParameter", 400, api.BadRequest),
        ("Unavailable", 503, api.Unavailable),
        ("InvalidNextToken", 400, api.Unavailable),
        ("IdempotentParameterMismatch", 400, api.AnswerLost),
    ],
)
def test_a_code_has_its_type(code: str, status: int, kind: type[CloudError]) -> None:
    """What the API documents means exactly this to the scheduler, whether the call had doubts or not."""
    assert type_of(code, status, Unavailable) is type_of(code, status, AnswerLost) is kind


@pytest.mark.parametrize("doubt", [Unavailable, AnswerLost])
@pytest.mark.parametrize(("code", "status"), [("InternalError", 500), ("502", 502), ("", 200), ("", 403)])
def test_what_does_not_say_whether_it_acted_is_doubted(code: str, status: int, doubt: type[CloudError]) -> None:
    """A server's failure, a proxy's page and an answer without a code are as doubtful as the call itself."""
    assert type_of(code, status, doubt) is doubt


def test_no_code_stands_twice() -> None:
    """A code has one meaning."""
    assert len(TYPES) == sum(len(codes) for codes in CODES.values())


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("InvalidAMIID.NotFound", "pool_image"),
        ("InvalidInstanceType", "pool_flavor"),
        ("InvalidSubnetID.NotFound", "subnets"),
        ("InvalidGroup.NotFound", "security_groups"),
        ("InvalidKeyPair.NotFound", "key_pair"),
        ("InvalidLaunchTemplateName.NotFoundException", "launch_template"),
        ("RequestExpired", "clock"),
        ("SignatureDoesNotMatch", "clock"),
        ("ExpiredToken", "session_token"),
    ],
)
def test_a_mend_names_the_key(code: str, key: str) -> None:
    """Who reads a refusal is told which key of the inventory it is about."""
    assert key in mend_of(code)


@pytest.mark.parametrize(
    ("code", "message", "key"),
    [
        ("AuthFailure", "Not authorized for images: [ami-0123]", "pool_image"),
        ("OptInRequired", "In order to use this AWS Marketplace product you need to accept terms", "pool_image"),
        ("UnauthorizedOperation", "You are not authorized to perform: iam:PassRole on role/x", "instance_profile"),
        ("InvalidParameterValue", "Value (x) for parameter iamInstanceProfile.name: no instance profile", "profile"),
    ],
)
def test_what_one_pool_names_stops_that_pool_alone(code: str, message: str, key: str) -> None:
    """A right that only one pool's image or role lacks is that pool's mistake, not the whole endpoint's login."""
    error = error_of(answer(code, 403, message), "run_instances", doubt=AnswerLost, where="e")
    assert type(error) is api.BadRequest
    assert key in error.mend


def test_an_error_tells_call_code_and_message() -> None:
    """What, where and mend of a refusal are the cloud's own words and our key."""
    error = error_of(
        answer("InvalidAMIID.NotFound", message="no such image"), "run_instances", doubt=AnswerLost, where="e"
    )
    assert str(error) == "e: run_instances: InvalidAMIID.NotFound: no such image (mend pool_image)"


def test_what_was_signed_is_not_shown() -> None:
    """The signed request, which a cloud quotes after the first line with its session token, is cut off."""
    text = "The signature does not match.\n\nThe Canonical String should have been\nx-amz-security-token:TOKEN"
    error = error_of(answer("SignatureDoesNotMatch", 403, text), "list", doubt=Unavailable, where="e")
    assert "TOKEN" not in f"{error}{error!r}"


@given(st.text())
def test_a_message_is_one_short_line(text: str) -> None:
    """Whatever a cloud says, its message stays one line of bounded length."""
    line = first_line(text)
    assert "\n" not in line
    assert len(line) <= MAX_TEXT + 3


@given(
    st.dictionaries(
        st.sampled_from(["Error", "ResponseMetadata"]),
        st.none() | st.dictionaries(st.sampled_from(["Code", "Message", "HTTPStatusCode"]), st.none()),
    )
)
def test_any_refusal_becomes_an_error(told: dict[str, Any]) -> None:
    """A refusal that lacks anything is an error of the tree all the same."""
    assert type(error_of(told, "call", doubt=AnswerLost, where="e")) is AnswerLost
