"""A launch request as the parameters of RunInstances."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from vmdirac_py.clouds.api import BadRequest, LaunchRequest, Mark
from vmdirac_py.clouds.marks import to_labels

from .options import PoolOptions

MAX_USER_DATA = 16 * 1024
"""Bytes before base64, as the API documents."""


def client_token(mark: Mark, turn: int) -> str:
    """Return the token under which the cloud gives the `turn`th request of a batch its first answer again.

    64 characters, the longest the API takes. Another installation's batch of the same id has another token.
    """
    return hashlib.sha256(f"{mark.installation}/{mark.batch}/{turn}".encode()).hexdigest()


def check_user_data(data: bytes, where: str) -> None:
    """Raise BadRequest for user data the cloud would not take."""
    if len(data) > MAX_USER_DATA:
        mend = "leave more of it to the bundle or the image"
        raise BadRequest(
            f"{len(data)} bytes of user data, at most {MAX_USER_DATA} are taken", where=f"pool {where}", mend=mend
        )


def parameters(request: LaunchRequest, options: PoolOptions, *, count: int, turn: int, subnet: str) -> dict[str, Any]:
    """Return the parameters of one RunInstances: `count` instances or fewer, marked as they are made.

    An instance that powers itself off is terminated, not kept: a stopped one would go on costing its disk.
    """
    given = {
        "ClientToken": client_token(request.mark, turn),
        "MinCount": 1,
        "MaxCount": count,
        "ImageId": request.pool.image,
        "InstanceType": request.pool.flavor,
        "UserData": request.user_data,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "TagSpecifications": _tags(request.mark),
        "SubnetId": subnet,
        "SecurityGroupIds": options.security_groups,
        "KeyName": options.key_pair,
        "LaunchTemplate": _template(options),
        "IamInstanceProfile": _profile(options.instance_profile),
        "InstanceMarketOptions": _market(options),
    }
    return {name: value for name, value in given.items() if value}


def _tags(mark: Mark) -> list[Mapping[str, Any]]:
    tags = [{"Key": key, "Value": value} for key, value in to_labels(mark).items()]
    return [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")]


def _template(options: PoolOptions) -> Mapping[str, str]:
    if not options.launch_template:
        return {}
    key = "LaunchTemplateId" if options.launch_template.startswith("lt-") else "LaunchTemplateName"
    return {key: options.launch_template, "Version": options.launch_template_version}


def _profile(name: str) -> Mapping[str, str]:
    return {"Arn" if name.startswith("arn:") else "Name": name} if name else {}


def _market(options: PoolOptions) -> Mapping[str, Any]:
    if not options.spot:
        return {}
    spot = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    price = {"MaxPrice": options.spot_max_price} if options.spot_max_price else {}
    return {"MarketType": "spot", "SpotOptions": spot | price}
