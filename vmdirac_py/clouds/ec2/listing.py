"""Listings: all instances that bear some labels, with what is announced of their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vmdirac_py.clouds.api import Instance, Unavailable
from vmdirac_py.clouds.marks import INSTALLATION

from .client import Client
from .reading import NOTICES, instance_of, is_living_spot, mark_of, notices_of

PAGE = 1000
"""Instances a page, the most the API gives."""
FILTER_VALUES = 200
"""Values one filter takes."""

Item = Mapping[str, Any]


def listed(client: Client, installation: str, **labels: str) -> tuple[Instance, ...]:
    """Return all instances of an installation, terminated ones as long as the cloud lists them. Raises CloudError.

    One that two pages hold (instances come and go meanwhile) is the later page's.
    """
    wanted = {INSTALLATION: installation, **labels}
    found = described(client, [_filter(f"tag:{key}", [value]) for key, value in wanted.items()])
    with client.told("describe_instances", Unavailable):
        marked = {str(item["InstanceId"]): (item, mark) for item in found if (mark := mark_of(item))}
        spot = any(is_living_spot(item) for item, _ in marked.values())
    notices = _notices(client) if spot else {}
    with client.told("describe_instances", Unavailable):
        return tuple(instance_of(item, mark, notices.get(name, "")) for name, (item, mark) in marked.items())


def described(client: Client, filters: Sequence[Item]) -> list[Item]:
    """Return the cloud's descriptions of all instances that pass the filters. Raises CloudError."""
    pages = client.pages("describe_instances", "Reservations", size=PAGE, Filters=list(filters))
    with client.told("describe_instances", Unavailable):
        return [item for reservation in pages for item in reservation["Instances"]]


def of_ids(client: Client, instance_ids: Sequence[str]) -> list[Item]:
    """Return the descriptions of those of these instances that there are. Raises CloudError."""
    parts = (instance_ids[start : start + FILTER_VALUES] for start in range(0, len(instance_ids), FILTER_VALUES))
    return [item for part in parts for item in described(client, [_filter("instance-id", part)])]


def in_states(client: Client, states: Sequence[str]) -> list[Item]:
    """Return the descriptions of all instances in these states, whoever's. Raises CloudError."""
    return described(client, [_filter("instance-state-name", states)])


def _notices(client: Client) -> dict[str, str]:
    filters = [_filter("status-code", NOTICES)]
    requests = client.pages("describe_spot_instance_requests", "SpotInstanceRequests", size=PAGE, Filters=filters)
    with client.told("describe_spot_instance_requests", Unavailable):
        return notices_of(list(requests))


def _filter(name: str, values: Sequence[str]) -> Item:
    return {"Name": name, "Values": list(values)}
