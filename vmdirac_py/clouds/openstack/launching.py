"""The request that makes servers; pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from vmdirac_py.clouds.api import BadRequest, LaunchRequest, Mark
from vmdirac_py.clouds.marks import PREFIX, to_labels

from .options import PoolOptions
from .placing import Place

MAX_USER_DATA = 49_149
"""Bytes. Nova takes 65,535 characters of base64; 49,149 bytes make 65,532 of them, the next length is 65,536."""


LONGEST_NAME = 200
"""Characters; Nova takes 255, and adds `-N` to each name of a multi-create."""
VOLUME = f"{PREFIX}volume"
"""Says in a server's metadata that it boots from a volume."""


def check_user_data(user_data: bytes) -> None:
    """Raise BadRequest where Nova would refuse user data for its size."""
    if len(user_data) > MAX_USER_DATA:
        told = f"user data of {len(user_data)} bytes: OpenStack takes {MAX_USER_DATA}"
        raise BadRequest(told, mend="shorten what the pool adds to the user data")


def body_of(request: LaunchRequest, options: PoolOptions, place: Place) -> dict[str, Any]:
    """Return the body of `POST /servers` for as many servers as Nova gives, at least one.

    Nova then grants what the quota has room for, without a word; the reservation it answers with tells which.
    """
    networks = [{"uuid": network} for network in place.networks]
    said = server_of(request, options, place, request.mark, name=request.mark.batch, networks=networks)
    return {"server": {**said, "min_count": 1, "max_count": len(request.vms), "return_reservation_id": True}}


def server_of(
    request: LaunchRequest,
    options: PoolOptions,
    place: Place,
    mark: Mark,
    *,
    name: str,
    networks: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Return what is said of a server."""
    said = {
        "name": f"vmdirac-{request.pool.name}-{name}"[:LONGEST_NAME],
        "flavorRef": place.flavor,
        "metadata": {**to_labels(mark), **({VOLUME: "boot"} if options.boot_volume_gb else {})},
        "user_data": base64.b64encode(request.user_data).decode(),
        "config_drive": options.config_drive,
        "networks": list(networks) or "auto",
        "security_groups": [{"name": group} for group in options.security_groups],
        "availability_zone": options.availability_zone,
        "key_name": options.key_pair,
        **_disk(options, place.image),
    }
    return {key: value for key, value in said.items() if value not in ("", [])}


def _disk(options: PoolOptions, image: str) -> Mapping[str, Any]:
    """Return where a server boots from: the image, or a volume made of it that goes when the server goes."""
    if not options.boot_volume_gb:
        return {"imageRef": image}
    volume = {
        "boot_index": 0,
        "uuid": image,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": options.boot_volume_gb,
        "delete_on_termination": True,
    }
    kind = {"volume_type": options.boot_volume_type} if options.boot_volume_type else {}
    return {"block_device_mapping_v2": [{**volume, **kind}]}
