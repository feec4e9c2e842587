"""`python -m tests.bench.alone.openstack COUNT BATCH`: openstacksdk's servers, and its listing until all run."""

from __future__ import annotations

import base64
import os
import sys
import time
from typing import Any

import openstack

from tests.support.nova_project import FLAVOR

USER_DATA = base64.b64encode(b"#cloud-config\n" + b"#" * 8000).decode()  # about as much as ours
PAUSE = 5.0


def main(count: int, batch: int) -> None:
    """Ask, and look; the login is what `OS_...` says."""
    cloud = openstack.connect(load_yaml_config=False, load_envvars=True)
    flavor = cloud.compute.find_flavor(FLAVOR, ignore_missing=False).id
    image = cloud.image.find_image(os.environ["BENCH_IMAGE"], ignore_missing=False).id
    for number in range(0, count, batch):
        most = min(batch, count - number)
        cloud.compute.create_server(
            name=f"alone-{number}",
            flavor_id=flavor,
            image_id=image,
            networks="auto",
            user_data=USER_DATA,
            metadata={f"mark_{key}": "x" * 20 for key in range(4)},
            min_count=1,
            max_count=most,
        )
    while _active(cloud) < count:
        time.sleep(PAUSE)


def _active(cloud: Any) -> int:
    return sum(server.status == "ACTIVE" for server in cloud.compute.servers())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
