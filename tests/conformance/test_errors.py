"""Errors, as every driver must tell them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vmdirac_py.clouds import api
from vmdirac_py.clouds.api import AnswerLost, CloudEndpoint, CloudError, LaunchRequest, Unavailable
from vmdirac_py.model.batch import ErrorClass

OURS = "inst-ours"
TYPED = [
    (ErrorClass.QUOTA, api.QuotaExceeded),
    (ErrorClass.NO_CAPACITY, api.NoCapacity),
    (ErrorClass.AUTH, api.AuthFailed),
    (ErrorClass.BAD_REQUEST, api.BadRequest),
    (ErrorClass.THROTTLED, api.Throttled),
    (ErrorClass.UNAVAILABLE, api.Unavailable),
]


@pytest.mark.parametrize(("error_class", "error"), TYPED)
def test_a_refused_launch_has_its_type(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], error_class: ErrorClass, error: type[CloudError]
) -> None:
    """Each class of refusal arrives as exactly its own type, and nothing was started."""
    lab.refuse("launch", error_class)
    with pytest.raises(CloudError) as caught:
        ours.launch(ask(1))
    assert type(caught.value) is error
    assert caught.value.error_class is error_class
    assert ours.instances() == ()


@pytest.mark.parametrize("call", ["list", "limits", "terminate"])
def test_every_call_tells_a_refusal(lab: Any, ours: CloudEndpoint, call: str) -> None:
    """Every call raises the type of its refusal."""
    lab.refuse(call, ErrorClass.AUTH)
    with pytest.raises(api.AuthFailed):
        {"list": ours.instances, "limits": ours.limits, "terminate": lambda: ours.terminate(["i-1"])}[call]()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hanging_launch_is_lost(lab: Any, ask: Callable[..., LaunchRequest], when: str) -> None:
    """A launch whose answer does not come within the client's timeout raises AnswerLost."""
    hurried = lab.endpoint(OURS, timeout=0.5)
    lab.hang("launch", 20, when=when)
    with pytest.raises(AnswerLost):
        hurried.launch(ask(1))


def test_what_hangs_after_acting_has_acted(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """The instances of a launch that hung after acting are in the listing."""
    request = ask(2)
    lab.hang("launch", 20, when="after")
    with pytest.raises(AnswerLost):
        lab.endpoint(OURS, timeout=1.0).launch(request)
    assert [instance.mark for instance in ours.instances()] == [request.mark] * 2


def test_a_hanging_terminate_is_lost(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A terminate whose answer does not come in time raises AnswerLost."""
    (instance,) = ours.launch(ask(1)).launched
    lab.hang("terminate", 20, when="before")
    with pytest.raises(AnswerLost):
        lab.endpoint(OURS, timeout=0.5).terminate([instance.id])


@pytest.mark.parametrize("call", ["list", "limits"])
def test_a_hanging_read_is_unavailable(lab: Any, call: str) -> None:
    """A read whose answer does not come in time raises Unavailable, not AnswerLost: it has no effect."""
    hurried = lab.endpoint(OURS, timeout=0.5)
    lab.hang(call, 20, when="before")
    with pytest.raises(Unavailable) as caught:
        {"list": hurried.instances, "limits": hurried.limits}[call]()
    assert type(caught.value) is Unavailable


def test_a_hang_delays_only_its_own_call(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """While one call hangs, another is answered."""
    lab.hang("launch", 20, when="before")
    with pytest.raises(AnswerLost):
        lab.endpoint(OURS, timeout=0.5).launch(ask(1))
    assert ours.limits().used_vms == 0


def test_an_unreachable_cloud_is_unavailable(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """When nobody listens, every call raises Unavailable, not AnswerLost: nothing was sent."""
    lab.stop()
    for call in (lambda: ours.launch(ask(1)), ours.instances, lambda: ours.terminate(["i-1"]), ours.limits):
        with pytest.raises(Unavailable) as caught:
            call()
        assert type(caught.value) is Unavailable


def test_an_incomplete_listing_is_no_listing(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A listing the cloud could not complete raises Unavailable instead of showing a part."""
    ours.launch(ask(2))
    lab.cut_listing()
    with pytest.raises(Unavailable):
        ours.instances()
    lab.mend()
    assert len(ours.instances()) == 2


def test_a_lagging_listing_catches_up(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A listing may not show a fresh instance yet; that is no error, and passes."""
    ours.launch(ask(1))
    lab.lag(3600)
    assert ours.instances() == ()
    lab.mend()
    assert len(ours.instances()) == 1
