"""OpenStack: servers of Nova, through the session layer of openstacksdk (keystoneauth).

The driver is `driver.NovaEndpoint`; what `endpoint_options` and `pool_options` may say is in `options`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vmdirac_py.clouds.api import UNBOUNDED, BadRequest, Resolve
from vmdirac_py.model.inventory import Endpoint

from .options import problems, warnings

if TYPE_CHECKING:
    from .driver import NovaEndpoint

__all__ = ["LISTS_AT_MOST", "connect", "problems", "warnings"]

LISTS_AT_MOST = UNBOUNDED


def connect(endpoint: Endpoint, *, installation_id: str, resolve: Resolve, home: Path) -> NovaEndpoint:
    """Make the driver of an endpoint; nothing is sent yet.

    Raises:
        AuthFailed: a secret cannot be resolved.
        BadRequest: the extra `openstack` is not installed.
        Unusable: the endpoint's options cannot be used.
    """
    try:
        from .client import client_of  # noqa: PLC0415 - an inventory is checked where the extra is not installed
        from .driver import NovaEndpoint  # noqa: PLC0415 - same
    except ModuleNotFoundError as error:
        mend = "pip install 'vmdirac_py[openstack]'"
        raise BadRequest(f"driver 'openstack' needs {error.name}, which is not installed", mend=mend) from error
    return NovaEndpoint(endpoint.name, client_of(endpoint, resolve, home), installation=installation_id)
