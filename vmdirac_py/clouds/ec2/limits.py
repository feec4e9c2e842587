"""What EC2 tells of limits, and all that counts against them."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from vmdirac_py.clouds.api import CloudLimits, Unavailable

from .client import Client, items
from .listing import FILTER_VALUES, Item, in_states
from .reading import HOLDING, cores_of

MAX_INSTANCES = "max-instances"


def limits(client: Client, *, trust_max_instances: bool, known: MutableMapping[str, int]) -> CloudLimits:
    """Return limits and the use of everybody's instances in the region. Raises CloudError.

    The API counts quotas in cores by family of flavors and tells them nowhere: `max_cores` is None, and so is
    `max_vms` unless the account's attribute is to be trusted. `known` keeps the cores of flavors between calls.
    """
    found = in_states(client, HOLDING)
    return CloudLimits(
        max_vms=_max_instances(client) if trust_max_instances else None,
        used_vms=len(found),
        used_cores=_cores(client, found, known),
    )


def _max_instances(client: Client) -> int | None:
    call = "describe_account_attributes"
    answer = client.read(call, AttributeNames=[MAX_INSTANCES])
    with client.told(call, Unavailable):
        told = {item["AttributeName"]: item["AttributeValues"] for item in items(answer, "AccountAttributes", call)}
        values = [int(value["AttributeValue"]) for value in told.get(MAX_INSTANCES, ())]
    return values[0] if values else None


def _cores(client: Client, found: Iterable[Item], known: MutableMapping[str, int]) -> int | None:
    """Return the cores of instances; None where the cloud describes neither them nor their flavors by cores."""
    with client.told("describe_instances", Unavailable):
        by_flavor = [(str(item["InstanceType"]), cores_of(item)) for item in found]
    unknown = {flavor for flavor, cores in by_flavor if cores is None} - known.keys()
    known.update(_cores_of_flavors(client, sorted(unknown)))
    counted = [known.get(flavor) if cores is None else cores for flavor, cores in by_flavor]
    return sum(cores for cores in counted if cores is not None) if None not in counted else None


def _cores_of_flavors(client: Client, flavors: list[str]) -> dict[str, int]:
    found: list[Item] = []
    for start in range(0, len(flavors), FILTER_VALUES):
        wanted: dict[str, Any] = {"Name": "instance-type", "Values": flavors[start : start + FILTER_VALUES]}
        found += client.pages("describe_instance_types", "InstanceTypes", Filters=[wanted])
    with client.told("describe_instance_types", Unavailable):
        return {str(item["InstanceType"]): int(item["VCpuInfo"]["DefaultVCpus"]) for item in found}
