"""An EC2 account at a moto server, for installations that run on it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.doubles.ec2_proxy import Ec2Proxy
from tests.doubles.moto import moto

REGION, IMAGE, FLAVOR = "eu-west-1", "ami-03cf127a", "t2.medium"


class MotoAccount:
    """The account: its instances are written down, and stay hollow unless somebody fills them.

    Args:
        proxy: through which the installation speaks.
        direct: a client that speaks to moto itself.
        folder: where secrets lie.
    """

    def __init__(self, proxy: Ec2Proxy, direct: Any, folder: Path) -> None:
        self.proxy, self.direct = proxy, direct
        secret = folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text("of-the-account")
        options = {"region": REGION, "endpoint_url": proxy.url, "trust_max_instances": True}
        keys = {"access_key": f"file:{secret}", "secret_access_key": f"file:{secret}"}
        self.endpoint = {
            "endpoint_kind": "ec2",
            "endpoint_site": "CLOUD.Moto.there",
            "endpoint_options": options | keys,
        }
        self.pool: dict[str, Any] = {"pool_flavor": FLAVOR, "pool_image": IMAGE, "pool_cores": 2, "pool_ram_mb": 4000}

    def powered_on(self) -> list[str]:
        """Return the ids of the instances that run."""
        return self._in_states("running")

    def living(self) -> list[str]:
        """Return the ids of the instances that hold something."""
        return self._in_states("pending", "running", "stopping", "stopped", "shutting-down")

    def _in_states(self, *states: str) -> list[str]:
        pages = self.direct.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-state-name", "Values": list(states)}]
        )
        reservations = (reservation for page in pages for reservation in page["Reservations"])
        return [instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]]

    def user_data(self, instance: str) -> bytes:
        """Return what an instance was given."""
        told = self.direct.describe_instance_attribute(InstanceId=instance, Attribute="userData")
        return base64.b64decode(told["UserData"]["Value"])

    def power_off(self, instance: str) -> None:
        """Do what a guest's own shutdown does."""
        self.direct.stop_instances(InstanceIds=[instance])

    def wipe(self) -> None:
        """Terminate all instances."""
        living = self.living()
        for start in range(0, len(living), 100):
            self.direct.terminate_instances(InstanceIds=living[start : start + 100])


@contextmanager
def moto_account(folder: Path, *, max_vms: int = 20) -> Iterator[MotoAccount]:
    """Start a moto server of its own, with an empty account limited to so many instances."""
    with moto(folder / "moto") as url, Ec2Proxy(url, max_vms=max_vms) as proxy:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        yield MotoAccount(proxy, boto3.client("ec2", endpoint_url=url, region_name=REGION, **keys), folder)
