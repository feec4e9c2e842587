"""Terminating: only ours, in parts, and what is gone already is success."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest, CloudError, Unavailable

from .client import Client, items
from .listing import FILTER_VALUES, Item, of_ids
from .reading import TERMINAL, mark_of, state_of

ID = re.compile(r"i-[0-9a-f]+")
GONE, PROTECTED = "InvalidInstanceID", "OperationNotPermitted"


def terminate(client: Client, installation: str, instance_ids: Collection[str]) -> None:
    """Terminate instances of an installation.

    Raises:
        AuthFailed: one of them is not ours; none was touched.
        CloudError: what the cloud said.
    """
    found = of_ids(client, sorted(set(instance_ids)))
    with client.told("describe_instances", Unavailable):
        foreign = sorted(str(item["InstanceId"]) for item in found if not _is_ours(item, installation))
        living = sorted(str(item["InstanceId"]) for item in found if state_of(item) != TERMINAL)
    if foreign:
        raise AuthFailed(f"not ours, none was terminated: {', '.join(foreign[:20])}", where=client.name)
    for start in range(0, len(living), FILTER_VALUES):
        _end(client, living[start : start + FILTER_VALUES])


def _is_ours(item: Item, installation: str) -> bool:
    mark = mark_of(item)
    return mark is not None and mark.installation == installation


def _end(client: Client, instance_ids: Sequence[str]) -> None:
    """End these; one unknown or protected id keeps the cloud from ending others, so what it names is left out."""
    try:
        answer = client.change("terminate_instances", InstanceIds=list(instance_ids))
    except BadRequest as error:
        if GONE not in error.what:
            raise
        _end_others(client, instance_ids, error)
        return
    except AuthFailed as error:
        if PROTECTED in error.what:
            _end_others(client, instance_ids, error)
        raise
    with client.told("terminate_instances", AnswerLost):
        items(answer, "TerminatingInstances", "terminate_instances")


def _end_others(client: Client, instance_ids: Sequence[str], error: CloudError) -> None:
    named = set(ID.findall(error.what)) & set(instance_ids)
    if not named:
        raise error
    if left := [instance for instance in instance_ids if instance not in named]:
        _end(client, left)
