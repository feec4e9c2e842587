"""The entry of libcloud's provider `ec2`: the account of the EC2 driver's lab, spoken to through libcloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.conformance.endpoints import ec2
from vmdirac_py.clouds.api import CloudEndpoint
from vmdirac_py.clouds.libcloud import connect, problems
from vmdirac_py.model.inventory import Endpoint


class LibcloudEc2Lab(ec2.Ec2Lab):
    """The same account; what libcloud does not tell (limits, interruption notices) cannot be asked for."""

    can = ec2.Ec2Lab.can - {"limits", "leave"}
    pool = msgspec.structs.replace(ec2.Ec2Lab.pool, endpoint="libcloud")

    def endpoint(self, installation: str, *, timeout: float = 30.0) -> CloudEndpoint:
        """Return the driver as an installation has it."""
        options = {
            "provider": "ec2",
            "region": ec2.REGION,
            "endpoint_url": self.proxy.url,
            "access_key": "AKIATEST",
            "secret_access_key": "secret-of-the-lab",
        }
        described = Endpoint("libcloud", "libcloud", "site", client_timeout=timeout, options=options)
        assert problems(described, [self.pool]) == []
        return connect(described, installation_id=installation, resolve=str, home=self._home)


@contextmanager
def lab(folder: Path) -> Iterator[LibcloudEc2Lab]:
    """Return an empty account; at the end the proxy is gone, and whatever hung in it."""
    with ec2.lab(folder) as native:
        yield LibcloudEc2Lab(native.proxy, native.direct, folder)
