"""Clouds spoken to through Apache libcloud's compute API, by a map of arguments for each provider.

The maps are data (`providers.py`) and are checked without libcloud, which only `connect` imports.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vmdirac_py.clouds.api import UNBOUNDED, BadRequest, Resolve
from vmdirac_py.model.inventory import Endpoint

from .checking import problems, warnings

if TYPE_CHECKING:
    from .driver import LibcloudEndpoint

__all__ = ["LISTS_AT_MOST", "connect", "problems", "warnings"]

LISTS_AT_MOST = UNBOUNDED
"""Both providers' listings are followed page by page until the cloud says there is no more."""


def connect(endpoint: Endpoint, *, installation_id: str, resolve: Resolve, home: Path) -> LibcloudEndpoint:
    """Make the driver of an endpoint.

    Raises:
        BadRequest: libcloud is not installed, or cannot be used with these options.
        CloudError: a secret cannot be resolved.
    """
    try:
        from .driver import LibcloudEndpoint  # noqa: PLC0415 - an inventory is checked where libcloud is not installed
    except ModuleNotFoundError as error:
        mend = "pip install 'vmdirac_py[libcloud]'"
        raise BadRequest(f"it needs {error.name}, which is not installed", where=endpoint.name, mend=mend) from error
    except ValueError as error:  # libcloud looks at SSL_CERT_FILE while it is imported, though nothing of ours uses it
        raise BadRequest(
            f"libcloud cannot be imported: {error}", where=endpoint.name, mend="unset SSL_CERT_FILE, or mend it"
        ) from error
    return LibcloudEndpoint.of(endpoint, installation=installation_id, resolve=resolve, home=home)
