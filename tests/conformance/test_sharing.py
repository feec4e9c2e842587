"""Two installations on one cloud."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.labs import Lab, Names, make_room
from vmdirac_py.clouds.api import CloudEndpoint, CloudError, LaunchRequest

Settles = Callable[[Callable[[], bool]], None]


def living(endpoint: CloudEndpoint) -> set[str]:
    """Return the ids of what is listed and not terminal."""
    return {instance.id for instance in endpoint.instances() if not instance.terminal}


def test_each_lists_only_its_own(
    lab: Lab,
    ours: CloudEndpoint,
    theirs: CloudEndpoint,
    names: Names,
    ask: Callable[..., LaunchRequest],
    settles: Settles,
) -> None:
    """An installation never sees another's instances."""
    make_room(lab, 3)
    mine = ours.launch(ask(2)).launched
    other = theirs.launch(ask(1, installation=names.theirs)).launched
    settles(lambda: living(ours) == {instance.id for instance in mine})
    settles(lambda: living(theirs) == {instance.id for instance in other})


def test_another_installations_instances_stay(
    lab: Lab,
    ours: CloudEndpoint,
    theirs: CloudEndpoint,
    names: Names,
    ask: Callable[..., LaunchRequest],
    settles: Settles,
) -> None:
    """A terminate that names another's instance raises, and touches neither it nor ours."""
    make_room(lab, 2)
    (mine,) = ours.launch(ask(1)).launched
    (other,) = theirs.launch(ask(1, installation=names.theirs)).launched
    settles(lambda: mine.id in living(ours) and other.id in living(theirs))
    with pytest.raises(CloudError):
        ours.terminate([mine.id, other.id])
    assert mine.id in living(ours)
    assert other.id in living(theirs)


def test_equal_batch_ids_are_two_batches(
    lab: Lab,
    ours: CloudEndpoint,
    theirs: CloudEndpoint,
    names: Names,
    ask: Callable[..., LaunchRequest],
    settles: Settles,
) -> None:
    """The same batch id of two installations gives instances to both."""
    make_room(lab, 3)
    request = ask(1)
    mine = ours.launch(request).launched
    other = theirs.launch(ask(2, installation=names.theirs, batch=request.mark.batch)).launched
    settles(lambda: living(ours) == {instance.id for instance in mine})
    settles(lambda: living(theirs) == {instance.id for instance in other})
    assert (len(mine), len(other)) == (1, 2)
