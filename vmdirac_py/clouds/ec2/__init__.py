"""EC2 and whatever speaks its API, through boto3."""

from __future__ import annotations

from pathlib import Path

from vmdirac_py.clouds.api import UNBOUNDED, BadRequest, CloudEndpoint, Resolve
from vmdirac_py.model.inventory import Endpoint

from .options import problems, warnings

__all__ = ["LISTS_AT_MOST", "connect", "problems", "warnings"]

LISTS_AT_MOST = UNBOUNDED


def connect(endpoint: Endpoint, *, installation_id: str, resolve: Resolve, home: Path) -> CloudEndpoint:
    """Make the driver of an endpoint.

    Raises:
        BadRequest: the extra is not installed, or the CA file is not there.
        Unusable: the options cannot be read.
    """
    try:
        from .driver import Ec2Endpoint  # noqa: PLC0415 -- an inventory is checked where boto3 is not installed
    except ModuleNotFoundError as error:
        mend = "pip install 'vmdirac_py[ec2]'"
        raise BadRequest(f"{error.name} is not installed", where=endpoint.name, mend=mend) from error
    return Ec2Endpoint(endpoint, installation=installation_id, resolve=resolve, home=home)
