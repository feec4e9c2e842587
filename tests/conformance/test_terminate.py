"""Terminating and limits, as every driver must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.labs import Names, make_room
from vmdirac_py.clouds.api import AnswerLost, CloudEndpoint, LaunchRequest

Settles = Callable[[Callable[[], bool]], None]


def living(endpoint: CloudEndpoint) -> set[str]:
    """Return the ids of what is listed and not terminal."""
    return {instance.id for instance in endpoint.instances() if not instance.terminal}


@pytest.mark.smoke
def test_terminated_instances_are_gone_or_terminal(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles
) -> None:
    """After terminate those instances, and only those, are absent or terminal."""
    make_room(lab, 3)
    first, second, third = (instance.id for instance in ours.launch(ask(3)).launched)
    ours.terminate([first, third])
    settles(lambda: living(ours) == {second})


def test_twice_is_success(ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles) -> None:
    """Terminating what is gone already raises nothing, also within one call."""
    (instance,) = ours.launch(ask(1)).launched
    ours.terminate([instance.id])
    ours.terminate([instance.id])
    ours.terminate([instance.id, instance.id])
    settles(lambda: instance.id not in living(ours))


def test_nothing_to_terminate(ours: CloudEndpoint) -> None:
    """An empty call is success."""
    ours.terminate([])


def never_used(instance: str) -> str:
    """Return an id that looks like this one and is none."""
    if instance.isdecimal():
        return str(int(instance) + 1_000_000)
    return instance[:-1] + ("1" if instance.endswith("0") else "0")


def test_an_id_nobody_knows_is_gone(ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles) -> None:
    """An id the cloud does not know (any more) is success, and does not keep others from being terminated."""
    (instance,) = ours.launch(ask(1)).launched
    ours.terminate([never_used(instance.id), instance.id])
    settles(lambda: living(ours) == set())


def test_what_ended_before_keeps_nobody(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles
) -> None:
    """An instance that ended before may be named with others that live."""
    make_room(lab, 2)
    first, second = ours.launch(ask(2)).launched
    ours.terminate([first.id])
    settles(lambda: living(ours) == {second.id})
    ours.terminate([first.id, second.id])
    settles(lambda: living(ours) == set())


@pytest.mark.needs("lose")
def test_a_lost_answer_may_be_repeated(
    lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles
) -> None:
    """After a lost answer the same terminate again ends well."""
    (instance,) = ours.launch(ask(1)).launched
    lab.lose_answer("terminate")
    with pytest.raises(AnswerLost):
        ours.terminate([instance.id])
    lab.mend()
    ours.terminate([instance.id])
    settles(lambda: living(ours) == set())


@pytest.mark.needs("limits")
def test_limits_count_use(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest], settles: Settles) -> None:
    """Limits tell the maximum, and use rises with a launch and falls with a terminate."""
    before, cores = ours.limits(), 4 * lab.pool.resources.cores
    launched = ours.launch(ask(4)).launched
    assert before.max_vms == lab.max_vms
    assert (before.used_vms, before.used_cores) == (0, 0)
    settles(lambda: (ours.limits().used_vms, ours.limits().used_cores) == (4, cores))
    ours.terminate([instance.id for instance in launched])
    settles(lambda: (ours.limits().used_vms, ours.limits().used_cores) == (0, 0))


@pytest.mark.needs("limits")
def test_limits_count_the_use_of_other_installations(
    ours: CloudEndpoint, theirs: CloudEndpoint, names: Names, ask: Callable[..., LaunchRequest], settles: Settles
) -> None:
    """Use includes what other installations run."""
    theirs.launch(ask(2, installation=names.theirs))
    settles(lambda: ours.limits().used_vms == 2)
