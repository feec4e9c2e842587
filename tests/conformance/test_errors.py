"""Errors, as every driver must tell them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.labs import Names, of_one_call
from vmdirac_py.clouds import api
from vmdirac_py.clouds.api import AnswerLost, CloudEndpoint, CloudError, LaunchRequest, Unavailable
from vmdirac_py.model.batch import ErrorClass

TYPED = [
    (ErrorClass.QUOTA, api.QuotaExceeded),
    (ErrorClass.NO_CAPACITY, api.NoCapacity),
    (ErrorClass.AUTH, api.AuthFailed),
    (ErrorClass.BAD_REQUEST, api.BadRequest),
    (ErrorClass.THROTTLED, api.Throttled),
    (ErrorClass.UNAVAILABLE, api.Unavailable),
]
REFUSALS = [pytest.param(*pair, marks=pytest.mark.needs(f"refuse:{pair[0]}"), id=str(pair[0])) for pair in TYPED]
ANYWHERE = [ErrorClass.AUTH, ErrorClass.THROTTLED, ErrorClass.UNAVAILABLE]
HURRY = 3.0  # seconds: what surrounds the call that hangs must still be answered on a busy machine


def call_of(endpoint: CloudEndpoint, call: str, instances: tuple[str, ...] = ()) -> Callable[[], object]:
    """Return one of the calls that change nothing here, by its name."""
    ways: dict[str, Callable[[], object]] = {
        "list": endpoint.instances,
        "limits": endpoint.limits,
        "terminate": lambda: endpoint.terminate(instances),
        "console": lambda: endpoint.console(instances[0]),  # type: ignore[attr-defined]
    }
    return ways[call]


@pytest.mark.parametrize(("error_class", "error"), REFUSALS)
def test_a_refused_launch_has_its_type(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], error_class: ErrorClass, error: type[CloudError]
) -> None:
    """Each class of refusal arrives as exactly its own type, and nothing was started."""
    lab.refuse("launch", error_class)
    with pytest.raises(CloudError) as caught:
        ours.launch(ask(1))
    assert type(caught.value) is error
    assert caught.value.error_class is error_class
    lab.mend()
    assert ours.instances() == ()


@pytest.mark.parametrize(("error_class", "error"), REFUSALS)
def test_a_refusal_tells_what_and_where(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], error_class: ErrorClass, error: type[CloudError]
) -> None:
    """A refusal says in words what was refused, and where."""
    lab.refuse("launch", error_class)
    with pytest.raises(error) as caught:
        ours.launch(ask(1))
    assert caught.value.what
    assert caught.value.where


@pytest.mark.parametrize(
    "error_class", [pytest.param(one, marks=pytest.mark.needs(f"refuse:{one}"), id=str(one)) for one in ANYWHERE]
)
@pytest.mark.parametrize("call", ["list", "limits", "terminate"])
def test_every_call_tells_a_refusal(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], call: str, error_class: ErrorClass
) -> None:
    """Every call raises the type of its refusal, and a refused one leaves everything as it was."""
    (instance,) = ours.launch(ask(1)).launched
    lab.refuse(call, error_class)
    with pytest.raises(CloudError) as caught:
        call_of(ours, call, (instance.id,))()
    assert type(caught.value) is dict(TYPED)[error_class]
    lab.mend()
    assert not any(one.terminal for one in ours.instances())


@pytest.mark.needs("hang")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hanging_launch_is_lost(lab: Any, names: Names, ask: Callable[..., LaunchRequest], when: str) -> None:
    """A launch whose answer does not come within the client's timeout raises AnswerLost."""
    hurried = lab.endpoint(names.ours, timeout=HURRY)
    hurried.limits()  # whatever comes before a first call (logging in ...) is over
    lab.hang("launch", 20, when=when)
    with pytest.raises(AnswerLost):
        hurried.launch(ask(1))


@pytest.mark.needs("hang")
def test_what_hangs_after_acting_has_acted(
    lab: Any,
    ours: CloudEndpoint,
    names: Names,
    ask: Callable[..., LaunchRequest],
    settles: Callable[[Callable[[], bool]], None],
) -> None:
    """The instances of a launch that hung after acting are in the listing."""
    request = ask(2)
    hurried = lab.endpoint(names.ours, timeout=HURRY)
    hurried.limits()
    lab.hang("launch", 20, when="after")
    with pytest.raises(AnswerLost):
        hurried.launch(request)
    lab.mend()
    settles(
        lambda: [instance.mark.batch for instance in ours.instances()] == [request.mark.batch] * of_one_call(lab, 2)
    )


@pytest.mark.needs("hang")
def test_a_hanging_terminate_is_lost(
    lab: Any, ours: CloudEndpoint, names: Names, ask: Callable[..., LaunchRequest]
) -> None:
    """A terminate whose answer does not come in time raises AnswerLost."""
    (instance,) = ours.launch(ask(1)).launched
    hurried = lab.endpoint(names.ours, timeout=HURRY)
    hurried.limits()
    lab.hang("terminate", 20, when="before")
    with pytest.raises(AnswerLost):
        hurried.terminate([instance.id])


@pytest.mark.needs("hang")
@pytest.mark.parametrize("call", ["list", "limits", pytest.param("console", marks=pytest.mark.needs("console"))])
def test_a_hanging_read_is_unavailable(
    lab: Any, ours: CloudEndpoint, names: Names, ask: Callable[..., LaunchRequest], call: str
) -> None:
    """A read whose answer does not come in time raises Unavailable, not AnswerLost: it has no effect."""
    (instance,) = ours.launch(ask(1)).launched
    hurried = lab.endpoint(names.ours, timeout=HURRY)
    hurried.limits()
    lab.hang(call, 20, when="before")
    with pytest.raises(Unavailable) as caught:
        call_of(hurried, call, (instance.id,))()
    assert type(caught.value) is Unavailable


@pytest.mark.needs("hang", "limits")
def test_a_hang_delays_only_its_own_call(
    lab: Any, ours: CloudEndpoint, names: Names, ask: Callable[..., LaunchRequest]
) -> None:
    """While one call hangs, another is answered."""
    hurried = lab.endpoint(names.ours, timeout=HURRY)
    hurried.limits()
    lab.hang("launch", 20, when="before")
    with pytest.raises(AnswerLost):
        hurried.launch(ask(1))
    assert ours.limits().used_vms == 0


@pytest.mark.needs("stop")
def test_an_unreachable_cloud_is_unavailable(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """When nobody listens, every call raises Unavailable, not AnswerLost: nothing was sent."""
    lab.stop()
    for call in (lambda: ours.launch(ask(1)), ours.instances, lambda: ours.terminate(["i-1"]), ours.limits):
        with pytest.raises(Unavailable) as caught:
            call()
        assert type(caught.value) is Unavailable


@pytest.mark.needs("skew")
def test_skewed_clocks_are_told(lab: Any, ours: CloudEndpoint) -> None:
    """Where our clock and the cloud's differ too much, AuthFailed says so by the word clock."""
    lab.skew(7200)
    with pytest.raises(api.AuthFailed, match="clock"):
        ours.instances()
