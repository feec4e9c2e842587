"""`python -m tests.bench.alone.ec2 URL COUNT BATCH`: boto3's RunInstances, then its listing until all run."""

from __future__ import annotations

import sys

import boto3

from tests.support.moto_account import FLAVOR, IMAGE, REGION

USER_DATA = "#cloud-config\n" + "#" * 8000  # about as much as ours


def main(url: str, count: int, batch: int) -> None:
    """Ask, and look."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("ec2", endpoint_url=url, region_name=REGION, **keys)
    tags = [{"Key": f"mark_{number}", "Value": "x" * 20} for number in range(4)]
    for number in range(0, count, batch):
        most = min(batch, count - number)
        client.run_instances(
            ImageId=IMAGE,
            InstanceType=FLAVOR,
            MinCount=1,
            MaxCount=most,
            ClientToken=f"alone-{number}",
            UserData=USER_DATA,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
    while _running(client) < count:
        pass


def _running(client: object) -> int:
    filters = [{"Name": "tag:mark_0", "Values": ["x" * 20]}, {"Name": "instance-state-name", "Values": ["running"]}]
    pages = client.get_paginator("describe_instances").paginate(Filters=filters)  # type: ignore[attr-defined]
    return sum(len(reservation["Instances"]) for page in pages for reservation in page["Reservations"])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
