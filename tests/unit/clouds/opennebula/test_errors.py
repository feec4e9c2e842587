"""What refusals mean: published codes and texts, HTTP statuses, faults."""

from __future__ import annotations

import pytest

from vmdirac_py.clouds import api
from vmdirac_py.clouds.opennebula.errors import Answer, fault, not_ok, refusal

INSTANTIATE = "one.template.instantiate"
QUOTA = f"[{INSTANTIATE}] User [3] : group [1] limit of 3 reached for VMS quota in VM."
TOLD = [
    (0x0200, QUOTA, api.QuotaExceeded),
    (0x0200, "[x] User [2] : user [2] limit of 1 reached for RUNNING_VMS quota in VM.", api.QuotaExceeded),
    (0x2000, "limit of 4 reached for CPU quota in VM", api.QuotaExceeded),
    (0x0100, "User couldn't be authenticated, aborting call.", api.AuthFailed),
    (0x0200, "User [3] : Not authorized to perform MANAGE VM [5].", api.AuthFailed),
    (0x0200, "User [3] : Not authorized to perform USE TEMPLATE [7].", api.BadRequest),
    (0x0200, "User Template includes a restricted attribute NIC/MAC", api.BadRequest),
    (0x4000, "Cannot get IP/MAC lease from virtual network 0.", api.NoCapacity),
    (0x0400, "Error getting virtual machine template [9].", api.BadRequest),
    (0x2000, "CPU attribute must be a positive float or integer value.", api.BadRequest),
    (0x8000, "The resource is locked", api.BadRequest),
    (0x10000, "Cannot process request, no leader found", api.Unavailable),
]


@pytest.mark.parametrize(("code", "text", "error"), TOLD)
def test_a_refused_launch_is_told_by_code_and_text(code: int, text: str, error: type[api.CloudError]) -> None:
    """One code stands for many things: its text decides, and what is left is a mistake of the pool."""
    assert type(refusal(Answer(INSTANTIATE, text, code), "one", otherwise=api.BadRequest)) is error


def test_an_internal_error_is_no_reason_to_send_again() -> None:
    """0x2000 of a launch, whatever its text, stops the pool instead of being retried."""
    error = refusal(Answer(INSTANTIATE, "anything", 0x2000), "one", otherwise=api.BadRequest)
    assert error.error_class == "bad_request"


def test_a_refusal_keeps_the_front_ends_words() -> None:
    """Method, text and code are in the error, so that they can be looked up."""
    text = str(refusal(Answer("one.vm.action", "some\ntext", 0x0800), "one", otherwise=api.Unavailable))
    assert text == "one: [one.vm.action] some text (code 0x0800)"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, api.AuthFailed),
        (404, api.Unavailable),
        (307, api.Unavailable),
        (413, api.BadRequest),
        (429, api.Throttled),
        (503, api.Unavailable),
        (500, api.AnswerLost),
        (502, api.AnswerLost),
        (504, api.AnswerLost),
    ],
)
def test_a_proxys_status_tells_whether_it_was_sent(status: int, error: type[api.CloudError]) -> None:
    """Only statuses by which a request certainly had no effect are anything but a lost answer."""
    assert type(not_ok(status, "one")) is error


@pytest.mark.parametrize(("code", "error"), [(-506, api.BadRequest), (-501, api.BadRequest), (-500, api.AnswerLost)])
def test_a_fault_is_a_mistake_or_a_lost_answer(code: int, error: type[api.CloudError]) -> None:
    """A method that was never begun is a mistake; after any other fault nobody knows."""
    assert type(fault(code, "text", "one")) is error
