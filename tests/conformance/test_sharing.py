"""Two installations on one cloud."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vmdirac_py.clouds.api import CloudEndpoint, CloudError, LaunchRequest

THEIRS = "inst-theirs"


def test_each_lists_only_its_own(ours: CloudEndpoint, theirs: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """An installation never sees another's instances."""
    mine = ours.launch(ask(2)).launched
    other = theirs.launch(ask(1, installation=THEIRS)).launched
    assert {instance.id for instance in ours.instances()} == {instance.id for instance in mine}
    assert {instance.id for instance in theirs.instances()} == {instance.id for instance in other}


def test_another_installations_instances_stay(
    ours: CloudEndpoint, theirs: CloudEndpoint, ask: Callable[..., LaunchRequest]
) -> None:
    """A terminate that names another's instance raises, and touches neither it nor ours."""
    (mine,) = ours.launch(ask(1)).launched
    (other,) = theirs.launch(ask(1, installation=THEIRS)).launched
    with pytest.raises(CloudError):
        ours.terminate([mine.id, other.id])
    assert not any(instance.terminal for instance in (*ours.instances(), *theirs.instances()))


def test_equal_batch_ids_are_two_batches(
    ours: CloudEndpoint, theirs: CloudEndpoint, ask: Callable[..., LaunchRequest]
) -> None:
    """The same batch id of two installations gives instances to both."""
    ours.launch(ask(1, batch="batch-same"))
    theirs.launch(ask(2, installation=THEIRS, batch="batch-same"))
    assert len(ours.instances()) == 1
    assert len(theirs.instances()) == 2
