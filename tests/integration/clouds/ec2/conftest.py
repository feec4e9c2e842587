"""An account at a moto server, behind the proxy that adds what moto lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from msgspec.structs import replace

from tests.doubles.ec2_proxy import Ec2Proxy
from tests.doubles.moto import kept
from vmdirac_py.base.ids import new_id
from vmdirac_py.clouds.api import CloudEndpoint, LaunchRequest, Mark
from vmdirac_py.clouds.ec2 import connect
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

REGION, IMAGE = "eu-west-1", "ami-03cf127a"
POOL = Pool("pool-1", "ec2", "vo-1", "site", "t2.micro", IMAGE, Resources(cores=1))
INSTALLATION = "inst-ours"


@pytest.fixture(scope="session")
def moto_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where moto logs to."""
    return tmp_path_factory.mktemp("moto")


@pytest.fixture
def url(moto_folder: Path) -> str:
    """Return the URL of an empty moto server."""
    return kept(moto_folder)


@pytest.fixture
def proxy(url: str) -> Iterator[Ec2Proxy]:
    """Return the proxy in front of it."""
    with Ec2Proxy(url, max_vms=200) as made:
        yield made


@pytest.fixture
def direct(url: str) -> Any:
    """Return a client of the account's owner, past the proxy."""
    return boto3.client("ec2", endpoint_url=url, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def options(proxy: Ec2Proxy) -> dict[str, Any]:
    """Return the endpoint's options; its secrets are their own references."""
    return {
        "region": REGION,
        "endpoint_url": proxy.url,
        "access_key": "AKIATEST",
        "secret_access_key": "the-secret-itself",
    }


@pytest.fixture
def driver(options: dict[str, Any], tmp_path: Path) -> CloudEndpoint:
    """Return the driver."""
    described = Endpoint("ec2", "ec2", "site", client_timeout=30.0, options=options)
    return connect(described, installation_id=INSTALLATION, resolve=str, home=tmp_path)


@pytest.fixture
def ask() -> Callable[..., LaunchRequest]:
    """Return a maker of requests for a pool with these options."""

    def make(vms: int = 1, *, batch: str = "", data: bytes = b"#cloud-config\n", **given: Any) -> LaunchRequest:
        mark = Mark(INSTALLATION, batch or new_id("b"), POOL.vo, POOL.name)
        return LaunchRequest(mark, replace(POOL, options=given), [f"vm-{n}" for n in range(vms)], data)

    return make


@pytest.fixture
def subnets(direct: Any) -> list[str]:
    """Return two subnets of the account."""
    return [found["SubnetId"] for found in direct.describe_subnets()["Subnets"]][:2]
