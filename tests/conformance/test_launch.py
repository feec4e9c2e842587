"""Launching, as every driver must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vmdirac_py.clouds.api import AnswerLost, BadRequest, CloudEndpoint, LaunchRequest, QuotaExceeded
from vmdirac_py.model.batch import ErrorClass


@pytest.mark.parametrize("wanted", [1, 10])
def test_as_many_as_wanted(ours: CloudEndpoint, ask: Callable[..., LaunchRequest], wanted: int) -> None:
    """A launch of N gives N instances with ids of their own, and the listing shows exactly them."""
    result = ours.launch(ask(wanted))
    ids = {instance.id for instance in result.launched}
    assert len(ids) == len(result.launched) == wanted
    assert not result.refused
    assert {instance.id for instance in ours.instances()} == ids


def test_every_instance_bears_the_mark(ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """The whole mark comes back with each instance, in the answer and in the listing."""
    request = ask(3)
    launched = ours.launch(request).launched
    assert {instance.mark for instance in (*launched, *ours.instances())} == {request.mark}


def test_a_listed_instance_is_described(ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A fresh instance is not terminal, has a state in the cloud's words, and a creation time."""
    ours.launch(ask(1))
    (instance,) = ours.instances()
    assert not instance.terminal
    assert instance.state
    assert instance.created_at > 1_700_000_000


def test_a_repeat_never_gives_more(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """After a lost answer the same request again leaves at most N instances, all of that batch."""
    request = ask(3)
    lab.lose_answer("launch")
    with pytest.raises(AnswerLost):
        ours.launch(request)
    if lab.idempotent:
        again = ours.launch(request)
        assert {instance.id for instance in again.launched} == {instance.id for instance in ours.instances()}
    assert len(ours.instances()) == 3


def test_partial_success_is_a_result(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """Where the cloud refuses some, the answer holds both parts and they add up."""
    lab.refuse_some(2)
    result = ours.launch(ask(5))
    assert len(result.launched) == 3
    assert sum(refusal.count for refusal in result.refused) == 2
    assert {refusal.error_class for refusal in result.refused} == {ErrorClass.NO_CAPACITY}
    assert len(ours.instances()) == 3


def test_the_limit_cuts_a_launch(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A launch over the cloud's limit gives what fits and refuses the rest as quota."""
    result = ours.launch(ask(lab.max_vms + 2))
    assert len(result.launched) == lab.max_vms
    assert [(refusal.count, refusal.error_class) for refusal in result.refused] == [(2, ErrorClass.QUOTA)]


def test_a_full_cloud_refuses(
    lab: Any, ours: CloudEndpoint, theirs: CloudEndpoint, ask: Callable[..., LaunchRequest]
) -> None:
    """With the limit used up by somebody else, a launch raises QuotaExceeded and starts nothing."""
    theirs.launch(ask(lab.max_vms, installation="inst-theirs"))
    with pytest.raises(QuotaExceeded):
        ours.launch(ask(1))
    assert ours.instances() == ()


@pytest.mark.parametrize("text", ["plain", "Grüße aus Genève, 東京 ✓", "a: {b}\n'c' \"d\" $e `f` \\g\n\n\ttab"])
def test_user_data_arrives_byte_for_byte(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], user_data: Callable[..., bytes], text: str
) -> None:
    """What is given as user data is what the instance gets, whatever characters it has."""
    data = user_data(text)
    (instance,) = ours.launch(ask(1, data=data)).launched
    assert lab.user_data_of(ours, instance.id) == data


def test_user_data_of_the_largest_size(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], user_data: Callable[..., bytes]
) -> None:
    """User data of exactly the largest size arrives byte for byte."""
    data = user_data(size=lab.max_user_data)
    assert len(data) == lab.max_user_data
    (instance,) = ours.launch(ask(1, data=data)).launched
    assert lab.user_data_of(ours, instance.id) == data


def test_too_much_user_data(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], user_data: Callable[..., bytes]
) -> None:
    """One byte more is a BadRequest, and nothing is started."""
    with pytest.raises(BadRequest):
        ours.launch(ask(1, data=user_data(size=lab.max_user_data + 1)))
    assert ours.instances() == ()
