"""Subnets in turn, and what a repeat of a batch makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.doubles.ec2_proxy import Ec2Proxy, error, form_of
from tests.doubles.fault_proxy import Call, Fault
from vmdirac_py.clouds.api import AnswerLost, CloudEndpoint, LaunchRequest, NoCapacity, QuotaExceeded
from vmdirac_py.model.batch import ErrorClass

Ask = Callable[..., LaunchRequest]


def by_subnet(direct: Any) -> Counter[str]:
    """Return how many instances each subnet has."""
    found = direct.describe_instances()["Reservations"]
    return Counter(item["SubnetId"] for part in found for item in part["Instances"])


def asked(proxy: Ec2Proxy) -> list[tuple[str, int]]:
    """Return subnet and number of each request that came."""
    forms = [form_of(call) for call in proxy.calls]
    return [(form.get("SubnetId", ""), int(form["MaxCount"])) for form in forms if form["Action"] == "RunInstances"]


def run(subnet: str) -> Callable[[Call], bool]:
    """Return whether a call asks for instances in a subnet."""
    return lambda call: form_of(call).get("SubnetId") == subnet


def test_the_next_subnet_is_asked_where_one_is_full(
    driver: CloudEndpoint, proxy: Ec2Proxy, direct: Any, ask: Ask, subnets: list[str]
) -> None:
    """A subnet without room costs one call, and the next one gives all."""
    first, second = subnets
    proxy.capacity[first] = 0
    result = driver.launch(ask(5, subnets=subnets))
    assert (len(result.launched), result.refused) == (5, ())
    assert by_subnet(direct) == {second: 5}
    assert asked(proxy) == [(first, 5), (second, 5)]


def test_what_a_subnet_gave_counts(
    driver: CloudEndpoint, proxy: Ec2Proxy, direct: Any, ask: Ask, subnets: list[str]
) -> None:
    """Only what is missing is asked of the next one."""
    first, second = subnets
    proxy.capacity[first] = 2
    result = driver.launch(ask(5, subnets=subnets))
    assert (len({one.id for one in result.launched}), result.refused) == (5, ())
    assert by_subnet(direct) == {first: 2, second: 3}


def test_too_few_in_all_is_a_partial_success(
    driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask, subnets: list[str]
) -> None:
    """What no subnet gave is refused with the cloud's own reason, which takes one call more to hear."""
    first, second = subnets
    proxy.capacity.update({first: 2, second: 1})
    result = driver.launch(ask(5, subnets=subnets))
    (refusal,) = result.refused
    assert len(result.launched) == 3
    assert (refusal.count, refusal.error_class) == (2, ErrorClass.NO_CAPACITY)
    assert "InsufficientInstanceCapacity" in refusal.text
    assert asked(proxy) == [(first, 5), (second, 3), (second, 2)]


def test_no_room_anywhere(driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask, subnets: list[str]) -> None:
    """With all subnets full the launch is refused for lack of capacity, each having been asked once."""
    proxy.capacity[""] = 0
    with pytest.raises(NoCapacity):
        driver.launch(ask(2, subnets=subnets))
    assert asked(proxy) == [(subnet, 2) for subnet in subnets]


def test_a_limit_is_the_same_in_every_subnet(
    driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask, subnets: list[str]
) -> None:
    """Any other refusal than for capacity ends the launch: no further subnet is asked."""
    proxy.max_vms = 0
    with pytest.raises(QuotaExceeded):
        driver.launch(ask(2, subnets=subnets))
    assert len(asked(proxy)) == 1


def test_what_is_refused_after_some_were_launched_is_a_result(
    driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask, subnets: list[str]
) -> None:
    """Where the second subnet's request is refused, the first one's instances are not forgotten."""
    first, second = subnets
    proxy.capacity[first] = 2
    proxy.order(Fault(run(second), reply=error("RequestLimitExceeded", 503)))
    result = driver.launch(ask(5, subnets=subnets))
    assert len(result.launched) == 2
    assert [(one.count, one.error_class) for one in result.refused] == [(3, ErrorClass.THROTTLED)]


def test_a_repeat_does_not_ask_a_subnet_that_has_room_now(
    driver: CloudEndpoint, proxy: Ec2Proxy, direct: Any, ask: Ask, subnets: list[str]
) -> None:
    """After a lost answer of the second subnet the same again gives what is there, though the first has room now."""
    first, second = subnets
    request = ask(3, subnets=subnets)
    proxy.capacity[first] = 0
    proxy.order(Fault(run(second), lose=True))
    with pytest.raises(AnswerLost):
        driver.launch(request)
    proxy.mend()
    again = driver.launch(request)
    assert len(again.launched) == 3
    assert by_subnet(direct) == {second: 3}


def test_a_repeat_within_one_subnet_is_the_first_answer(
    driver: CloudEndpoint, direct: Any, ask: Ask, subnets: list[str]
) -> None:
    """The same batch twice gives the same instances, without looking first."""
    request = ask(3, subnets=subnets[:1])
    first, again = driver.launch(request), driver.launch(request)
    assert {one.id for one in first.launched} == {one.id for one in again.launched}
    assert sum(by_subnet(direct).values()) == 3


def test_a_token_used_for_something_else_means_it_was_sent(driver: CloudEndpoint, direct: Any, ask: Ask) -> None:
    """The same batch with other user data is lost, not misconfigured: its first request has arrived."""
    driver.launch(ask(2, batch="b-1"))
    with pytest.raises(AnswerLost):
        driver.launch(ask(2, batch="b-1", data=b"#cloud-config\n# another token\n"))
    assert sum(by_subnet(direct).values()) == 2
