"""Terminating and limits, as every driver must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vmdirac_py.clouds.api import AnswerLost, CloudEndpoint, LaunchRequest


def living(endpoint: CloudEndpoint) -> set[str]:
    """Return the ids of what is listed and not terminal."""
    return {instance.id for instance in endpoint.instances() if not instance.terminal}


def test_terminated_instances_are_gone_or_terminal(ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """After terminate those instances, and only those, are absent or terminal."""
    first, second, third = (instance.id for instance in ours.launch(ask(3)).launched)
    ours.terminate([first, third])
    assert living(ours) == {second}


def test_twice_is_success(ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """Terminating what is gone already raises nothing, also within one call."""
    (instance,) = ours.launch(ask(1)).launched
    ours.terminate([instance.id])
    ours.terminate([instance.id])
    ours.terminate([instance.id, instance.id])
    assert living(ours) == set()


def test_nothing_to_terminate(ours: CloudEndpoint) -> None:
    """An empty call is success."""
    ours.terminate([])


def test_an_id_nobody_knows_is_gone(ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """An id the cloud does not know (any more) is success, and does not keep others from being terminated."""
    (instance,) = ours.launch(ask(1)).launched
    ours.terminate(["i-000000000000", instance.id])
    assert living(ours) == set()


def test_a_lost_answer_may_be_repeated(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """After a lost answer the same terminate again ends well."""
    (instance,) = ours.launch(ask(1)).launched
    lab.lose_answer("terminate")
    with pytest.raises(AnswerLost):
        ours.terminate([instance.id])
    ours.terminate([instance.id])
    assert living(ours) == set()


def test_limits_count_use(lab: Any, ours: CloudEndpoint, ask: Callable[..., LaunchRequest]) -> None:
    """Limits tell the maximum, and use rises with a launch and falls with a terminate."""
    before = ours.limits()
    launched = ours.launch(ask(4)).launched
    during = ours.limits()
    ours.terminate([instance.id for instance in launched])
    assert before.max_vms == lab.max_vms
    assert (before.used_vms, before.used_cores) == (0, 0)
    assert (during.used_vms, during.used_cores) == (4, 4)
    assert ours.limits().used_vms == 0


def test_limits_count_foreign_use(
    ours: CloudEndpoint, theirs: CloudEndpoint, ask: Callable[..., LaunchRequest]
) -> None:
    """Use includes what other installations run."""
    theirs.launch(ask(2, installation="inst-theirs"))
    assert ours.limits().used_vms == 2
