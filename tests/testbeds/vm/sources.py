"""How an instance finds its user data: the five sources of cloud-init that this project's clouds use.

Each is a function of the instance's id as its cloud gave it, and its user data; it returns what a guest is started
with.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from .guest import Files, Start

SEED = "/var/lib/cloud/seed"
METADATA = "http://169.254.169.254"
EC2_VERSION = "2009-04-04"
# A guest's network is there before it boots, and it has one locale.
ALL = {"network": {"config": "disabled"}, "locale": "C.UTF-8"}
Texts = dict[str, str | bytes]
Source = Callable[[str, bytes], Start]


def nocloud(instance: str, user_data: bytes) -> Start:
    """Return files as on a disk labelled `cidata`."""
    about = json.dumps({"instance-id": instance, "local-hostname": instance})
    seed: Texts = {"user-data": user_data, "meta-data": about}
    return Start(_only("NoCloud") | _private(f"{SEED}/nocloud", seed))


def config_drive(instance: str, user_data: bytes) -> Start:
    """Return files as on a disk labelled `config-2`."""
    seed: Texts = {"meta_data.json": _nova(instance), "user_data": user_data}
    return Start(_only("ConfigDrive") | _private(f"{SEED}/config_drive/openstack/latest", seed))


def opennebula(instance: str, user_data: bytes) -> Start:
    """Return the context as OpenNebula writes it to its disk, with the host name the driver asks for."""
    said = {"SET_HOSTNAME": instance, "USER_DATA": base64.b64encode(user_data).decode(), "USER_DATA_ENCODING": "base64"}
    context = "".join(f"{name}='{text}'\n" for name, text in said.items())
    options = {"OpenNebula": {"parseuser": "nobody"}}
    return Start(_only("OpenNebula", options) | _private(f"{SEED}/opennebula", {"context.sh": context}))


def ec2(instance: str, user_data: bytes) -> Start:
    """Return what EC2's metadata server answers."""
    about = {"instance-id": instance, "local-hostname": instance, "placement/availability-zone": "here"}
    texts = {f"/{EC2_VERSION}/meta-data/{name}": text for name, text in about.items()}
    texts |= {f"/{EC2_VERSION}/user-data": _text(user_data), "/latest/meta-data/instance-id": instance}
    options = {"Ec2": {"metadata_urls": [METADATA], "strict_id": False, "max_wait": 30, "timeout": 5}}
    return Start(_only("Ec2", options), metadata=texts | {"/latest/user-data": _text(user_data)})


def openstack(instance: str, user_data: bytes) -> Start:
    """Return what Nova's metadata server answers, its EC2 side as well."""
    texts = {"/openstack/latest/meta_data.json": _nova(instance), "/openstack/latest/user_data": _text(user_data)}
    options = {"OpenStack": {"metadata_urls": [METADATA], "max_wait": 30, "timeout": 5, "retries": 1}}
    files = _only("OpenStack", options)
    return Start(files, {**ec2(instance, user_data).metadata, **texts}, {"product_name": "OpenStack Nova"})


SOURCES: Mapping[str, Source] = {
    "NoCloud": nocloud,
    "ConfigDrive": config_drive,
    "OpenNebula": opennebula,
    "Ec2": ec2,
    "OpenStack": openstack,
}
"""Name in cloud-init: how it is fed."""


def _only(source: str, options: Mapping[str, Any] | None = None) -> Files:
    """Return cloud-init's settings that leave it one source; JSON is YAML."""
    said = {"datasource_list": [source], "datasource": dict(options or {}), **ALL}
    lines = [f"{name}: {json.dumps(value)}" for name, value in said.items()]
    return {"/etc/cloud/cloud.cfg.d/90-source.cfg": ("\n".join(lines) + "\n", 0o644)}


def _private(folder: str, texts: Texts) -> Files:
    return {f"{folder}/{name}": (text, 0o600) for name, text in texts.items()}


def _nova(instance: str) -> str:
    return json.dumps({"uuid": instance, "name": instance, "hostname": instance, "availability_zone": "here"})


def _text(user_data: bytes) -> str:
    """Return bytes as the metadata server wants them: user data may be compressed."""
    return user_data.decode("latin-1")
