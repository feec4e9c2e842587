"""Listings, as every driver must give them: complete, or an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.labs import Names, of_one_call
from vmdirac_py.clouds.api import CloudEndpoint, CloudError, LaunchRequest, Unavailable

MANY = 1500
PATIENT = 300.0  # seconds: a double of a cloud may take its time for so many


def ids(endpoint: CloudEndpoint) -> set[str]:
    """Return the ids of everything listed."""
    return {instance.id for instance in endpoint.instances()}


def test_a_fresh_cloud_lists_nothing(ours: CloudEndpoint) -> None:
    """With nothing of ours there a listing is empty, and no error."""
    assert [instance for instance in ours.instances() if not instance.terminal] == []


@pytest.mark.needs("cut")
def test_an_incomplete_listing_is_no_listing(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A listing the cloud could not complete raises Unavailable instead of showing a part."""
    ours.launch(ask(2))
    lab.cut_listing()
    with pytest.raises(Unavailable):
        ours.instances()
    lab.mend()
    assert len(ours.instances()) == 2


@pytest.mark.needs("lag")
def test_a_lagging_listing_catches_up(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """A listing may not show a fresh instance yet; that is no error, and passes."""
    ours.launch(ask(1))
    lab.lag(3600)
    assert ours.instances() == ()
    lab.mend()
    assert len(ours.instances()) == 1


@pytest.mark.needs("many")
def test_a_long_listing_is_complete(lab: Any, names: Names) -> None:
    """1,500 instances are all listed, each once, each with its mark, to their owner alone."""
    ours, theirs = (lab.endpoint(name, timeout=PATIENT) for name in (names.ours, names.theirs))
    there = lab.many(MANY)
    listed = ours.instances()
    assert there >= MANY
    assert len({instance.id for instance in listed}) == len(listed) == there
    assert Counter(instance.mark.batch for instance in listed) == {"batch-many": there}
    assert theirs.instances() == ()


@pytest.mark.full
@pytest.mark.needs("many", "shift")
def test_a_listing_never_loses_what_was_there_throughout(lab: Any, names: Names) -> None:
    """While others come and go between its pages, a listing holds all that stayed, each once, or is Unavailable."""
    ours = lab.endpoint(names.ours, timeout=PATIENT)
    lab.many(MANY)
    before = ids(ours)
    lab.shift()
    try:
        shown = Counter(instance.id for instance in ours.instances())
    except Unavailable:
        shown = Counter(before)
    lab.mend()
    throughout = before & ids(ours)
    assert throughout
    assert {instance: shown[instance] for instance in throughout} == dict.fromkeys(throughout, 1)


@pytest.mark.needs("garble")
@pytest.mark.parametrize("how", ["html", "half", "error_inside"])
@pytest.mark.parametrize("call", ["list", "limits"])
def test_a_garbled_read_is_unavailable(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], call: str, how: str
) -> None:
    """A proxy's page, half an answer, or an error in place of one is an error, never an empty listing or no limits."""
    ours.launch(ask(2))
    lab.garble(call, how)
    with pytest.raises(CloudError) as caught:
        {"list": ours.instances, "limits": ours.limits}[call]()
    assert how == "error_inside" or type(caught.value) is Unavailable
    lab.mend()
    assert len(ours.instances()) == 2


@pytest.mark.needs("garble")
@pytest.mark.parametrize("how", ["html", "half"])
def test_a_garbled_answer_to_launch_is_lost(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], how: str
) -> None:
    """What cannot be read in answer to a launch may have been a yes: AnswerLost, and no more than N are there."""
    lab.garble("launch", how)
    with pytest.raises(CloudError) as caught:
        ours.launch(ask(2))
    lab.mend()
    assert caught.value.error_class == "lost"
    assert len(ours.instances()) in {0, of_one_call(lab, 2)}


@pytest.mark.needs("garble")
def test_an_error_inside_a_yes_is_no_yes(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """An error in the body of a good status is an error of a launch, too."""
    lab.garble("launch", "error_inside")
    with pytest.raises(CloudError):
        ours.launch(ask(1))


@pytest.mark.needs("garble")
@pytest.mark.parametrize("how", ["html", "half", "error_inside"])
def test_a_garbled_answer_to_terminate_is_no_success(
    lab: Any,
    ours: CloudEndpoint,
    ask: Callable[..., LaunchRequest],
    settles: Callable[[Callable[[], bool]], None],
    how: str,
) -> None:
    """What cannot be read in answer to a terminate is not taken for success, and a repeat ends well."""
    (instance,) = ours.launch(ask(1)).launched
    lab.garble("terminate", how)
    with pytest.raises(CloudError):
        ours.terminate([instance.id])
    lab.mend()
    ours.terminate([instance.id])
    settles(lambda: all(one.terminal for one in ours.instances()))


@pytest.mark.needs("leave")
def test_an_announced_end_is_told(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """An instance the cloud will take away says so in its listing, and no other does."""
    doomed, spared = ours.launch(ask(2)).launched
    lab.leave(doomed.id)
    leaving = {instance.id: bool(instance.leaving) for instance in ours.instances() if not instance.terminal}
    assert leaving == {doomed.id: True, spared.id: False}


@pytest.mark.needs("foreign")
def test_foreign_instances_are_not_ours(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """Instances without our mark in the same tenant are not listed, whoever's they are."""
    strangers = lab.foreign(2)
    (mine,) = ours.launch(ask(1)).launched
    assert ids(ours) == {mine.id}
    assert mine.id not in strangers


@pytest.mark.needs("foreign")
def test_foreign_instances_are_never_terminated(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Callable[[Callable[[], bool]], None]
) -> None:
    """A terminate that names a foreign instance raises, and touches neither it nor ours."""
    (stranger,) = lab.foreign(1)
    (mine,) = ours.launch(ask(1)).launched
    if "limits" in lab.can:
        settles(lambda: ours.limits().used_vms == 2)
    before = ours.limits()
    with pytest.raises(CloudError):
        ours.terminate([mine.id, stranger])
    assert not any(instance.terminal for instance in ours.instances())
    assert ours.limits() == before


@pytest.mark.needs("foreign", "limits")
def test_foreign_instances_count_in_limits(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Callable[[Callable[[], bool]], None]
) -> None:
    """Use includes what others run in the same tenant."""
    lab.foreign(2)
    ours.launch(ask(1))
    settles(lambda: ours.limits().used_vms == 3)
