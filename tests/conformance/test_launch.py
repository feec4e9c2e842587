"""Launching, as every driver must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.labs import Names, make_room, of_one_call
from vmdirac_py.clouds.api import AnswerLost, BadRequest, CloudEndpoint, LaunchRequest, LaunchResult, QuotaExceeded
from vmdirac_py.model.batch import ErrorClass

Settles = Callable[[Callable[[], bool]], None]


def refused(result: LaunchResult) -> Counter[ErrorClass]:
    """Return how many were refused, by class."""
    return Counter(one.error_class for one in result.refused for _ in range(one.count))


@pytest.mark.parametrize("wanted", [1, 10, 100])
def test_as_many_as_wanted(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles, wanted: int
) -> None:
    """A launch of N gives N instances with ids of their own, and the listing shows exactly them."""
    make_room(lab, wanted)
    result = ours.launch(ask(wanted))
    ids = {instance.id for instance in result.launched}
    assert len(ids) == len(result.launched) == wanted
    assert not result.refused
    settles(lambda: {instance.id for instance in ours.instances() if not instance.terminal} == ids)


@pytest.mark.smoke
def test_every_instance_bears_the_mark(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles
) -> None:
    """The whole mark comes back with each instance, in the answer and in the listing."""
    make_room(lab, 3)
    request = ask(3)
    launched = ours.launch(request).launched
    ids = {instance.id for instance in launched}
    settles(lambda: ids <= {instance.id for instance in ours.instances()})
    listed = [instance for instance in ours.instances() if instance.id in ids]
    marks = {(m.installation, m.batch, m.vo, m.pool) for m in (one.mark for one in (*launched, *listed))}
    assert marks == {(request.mark.installation, request.mark.batch, request.mark.vo, request.mark.pool)}
    assert {instance.mark.vm for instance in (*launched, *listed)} <= {"", *request.vms}


def test_a_listed_instance_is_described(
    ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles
) -> None:
    """A fresh instance is not terminal, has a state in the cloud's words, and a creation time."""
    (launched,) = ours.launch(ask(1)).launched
    settles(lambda: launched.id in {instance.id for instance in ours.instances()})
    (instance,) = (one for one in ours.instances() if one.id == launched.id)
    assert not instance.terminal
    assert instance.state
    assert instance.created_at > 1_600_000_000
    assert not instance.leaving


@pytest.mark.needs("lose")
def test_a_repeat_never_gives_more(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles
) -> None:
    """After a lost answer all it made are listed; where the cloud has a client token, a repeat gives those same N."""
    request, made = ask(3), of_one_call(lab, 3)
    lab.lose_answer("launch")
    with pytest.raises(AnswerLost):
        ours.launch(request)
    lab.mend()
    settles(lambda: len(ours.instances()) == made)
    if lab.idempotent:
        again = ours.launch(request)
        assert {instance.id for instance in again.launched} == {instance.id for instance in ours.instances()}
    assert len(ours.instances()) == made


@pytest.mark.needs("refuse_some")
def test_partial_success_is_a_result(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """Where the cloud refuses some, the answer holds both parts and they add up."""
    lab.refuse_some(2)
    result = ours.launch(ask(5))
    assert len(result.launched) == 3
    assert refused(result) == {ErrorClass.NO_CAPACITY: 2}
    assert len(ours.instances()) == 3


@pytest.mark.needs("limits")
def test_the_limit_is_never_passed(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A launch over the cloud's limit gives what fits and refuses the rest as quota, or refuses it as a whole."""
    try:
        result = ours.launch(ask(lab.max_vms + 2))
    except QuotaExceeded:
        assert ours.instances() == ()
        return
    assert len(result.launched) == lab.max_vms
    assert refused(result) == {ErrorClass.QUOTA: 2}


@pytest.mark.needs("limits")
def test_a_full_cloud_refuses(
    lab: Any,
    ours: CloudEndpoint,
    theirs: CloudEndpoint,
    names: Names,
    ask: Callable[..., LaunchRequest],
    settles: Callable[[Callable[[], bool]], None],
) -> None:
    """With the limit used up by somebody else, a launch raises QuotaExceeded and starts nothing."""
    theirs.launch(ask(lab.max_vms, installation=names.theirs))
    # Nova counts an instance only when it has been given a cell; asked before, it takes one more and fails it later.
    settles(lambda: ours.limits().used_vms == lab.max_vms)
    with pytest.raises(QuotaExceeded):
        ours.launch(ask(1))
    assert ours.instances() == ()


@pytest.mark.needs("user_data")
@pytest.mark.parametrize("text", ["plain", "Grüße aus Genève, 東京 ✓", "a: {b}\n'c' \"d\" $e `f` \\g\n\n\ttab"])
def test_user_data_arrives_byte_for_byte(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], user_data: Callable[..., bytes], text: str
) -> None:
    """What is given as user data is what the instance gets, whatever characters it has."""
    data = user_data(text)
    (instance,) = ours.launch(ask(1, data=data)).launched
    assert lab.user_data_of(ours, instance.id) == data


@pytest.mark.needs("user_data")
def test_user_data_of_the_largest_size(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], user_data: Callable[..., bytes]
) -> None:
    """User data of exactly the largest size arrives byte for byte."""
    data = user_data(size=lab.max_user_data)
    assert len(data) == lab.max_user_data
    (instance,) = ours.launch(ask(1, data=data)).launched
    assert lab.user_data_of(ours, instance.id) == data


@pytest.mark.needs("user_data")
def test_too_much_user_data(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], user_data: Callable[..., bytes]
) -> None:
    """One byte more is a BadRequest, and nothing is started."""
    with pytest.raises(BadRequest):
        ours.launch(ask(1, data=user_data(size=lab.max_user_data + 1)))
    assert ours.instances() == ()


@pytest.mark.needs("console")
def test_a_console_is_text(ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """What an instance wrote to its console is text, possibly none yet."""
    (instance,) = ours.launch(ask(1)).launched
    assert isinstance(ours.console(instance.id), str)  # type: ignore[attr-defined]
