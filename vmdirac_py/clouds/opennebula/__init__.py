"""OpenNebula by its XML-RPC interface: VMs instantiated from a template, one call each.

`connect` needs defusedxml, the extra `opennebula`; the rest is the standard library (docs/adr/0010).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vmdirac_py.clouds.api import UNBOUNDED, BadRequest, Resolve
from vmdirac_py.model.inventory import Endpoint

from .options import endpoint_options, problems, warnings

if TYPE_CHECKING:
    from .driver import OpenNebulaEndpoint

__all__ = ["LISTS_AT_MOST", "connect", "problems", "warnings"]

LISTS_AT_MOST = UNBOUNDED


def connect(endpoint: Endpoint, *, installation_id: str, resolve: Resolve, home: Path) -> OpenNebulaEndpoint:
    """Make the driver of an endpoint; nothing is sent yet.

    Raises:
        Unusable: its options, or the file of authorities, cannot be used.
        BadRequest: the extra is not installed.
    """
    try:
        from .driver import open_endpoint  # noqa: PLC0415 - an inventory is checked where the extra is not installed
    except ModuleNotFoundError as error:
        mend = "pip install 'vmdirac_py[opennebula]'"
        raise BadRequest(f"driver 'opennebula' needs {error.name}, which is not installed", mend=mend) from error
    options = endpoint_options(endpoint)
    return open_endpoint(endpoint, options, session=resolve(options.session), installation=installation_id, home=home)
