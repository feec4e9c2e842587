"""User data: a small cloud-config that fetches worker and roles and starts them. It carries nothing durable."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from vmdirac_py.model.inventory import Endpoint, Pool

from .contextualising import Bundle, variables
from .dirac_pilots import worker_pilot
from .gates import gate_of
from .worker_terms import notice_at, stop_policies

BOOT_PATH = "/var/lib/vmdirac/boot.py"
SETTINGS_PATH = "/etc/vmdirac/boot.json"
CONTEXT_PATH = "/etc/vmdirac/context.json"
LOCALE = "C.UTF-8"
"""Every image has it; another would have to be made first, and small images cannot."""
BOOT_SHARE = 0.75
"""Of the boot deadline: a VM that tried for longer would be given up before it can say why."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Where VMs find the manager (`https://HOST:PORT`), and the CA (PEM) they know it by."""

    url: str
    ca: str


@dataclass(frozen=True, slots=True)
class Cloud:
    """What the user data must know of its cloud: where a VM finds its own id, and the most bytes that are taken."""

    instance_id_file: str
    max_user_data: int


def user_data(pool: Pool, endpoint: Endpoint, *, token: str, manager: Manager, bundle: Bundle, cloud: Cloud) -> bytes:
    """Return the user data for the VMs of one batch, compressed where the cloud would not take it otherwise.

    The enrolment token is the only secret in it: good for this batch's instances, once each, until the boot deadline.
    A driver refuses what is too long even so.
    """
    settings = {
        "sha256": bundle.sha256,
        "roles_sha256": bundle.roles_sha256 if pool.context else "",
        "bundle_url": endpoint.bundle_url,
        "seconds": BOOT_SHARE * pool.boot_deadline,
        "worker": _worker_config(pool, endpoint, token, manager, cloud.instance_id_file),
    }
    files = [_file(SETTINGS_PATH, "0600", json.dumps(settings)), _file(BOOT_PATH, "0755", bundle.boot_script)]
    document: dict[str, object] = {"write_files": files, "runcmd": [[*_python(pool), BOOT_PATH]]}
    if pool.context:
        files.append(_file(CONTEXT_PATH, "0600", json.dumps(variables(pool, bundle))))
        document["locale"] = LOCALE
    return _fitting(document, cloud.max_user_data)


def _fitting(document: Mapping[str, object], most: int) -> bytes:
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    plain = f"#cloud-config\n{text}".encode()
    return plain if len(plain) <= most else gzip.compress(plain, mtime=0)


def _file(path: str, permissions: str, content: str) -> dict[str, str]:
    return {"path": path, "permissions": permissions, "content": content}


def _python(pool: Pool) -> list[str]:
    chosen = pool.context.get("worker", {}).get("python")
    return [chosen] if chosen else ["/usr/bin/env", "python3"]


def _worker_config(
    pool: Pool, endpoint: Endpoint, token: str, manager: Manager, instance_id_file: str
) -> dict[str, Any]:
    """Return the worker's configuration; its fields are those of `vmdirac_py.worker.wire.Config`."""
    return {
        "manager": manager.url,
        "ca": manager.ca,
        "token": token,
        "instance_id_file": instance_id_file,
        "cores": pool.resources.cores,
        "ram_mb": pool.resources.ram_mb,
        "gpus": pool.resources.gpus,
        "heartbeat_seconds": pool.heartbeat_seconds,
        "idle_seconds": pool.idle_seconds,
        "max_life": pool.max_life,
        "inner_ce": pool.inner_ce,
        "bind_address": "",
        "work_dir": "",
        "ce": dict(pool.inner_ce_options),
        "stop_policies": stop_policies(pool),
        "hs06": pool.hs06,
        "failed": "",
        "gate": gate_of(pool, endpoint.kind),
        "pilot": worker_pilot(pool),
        "notice": notice_at(pool, endpoint.kind),
    }
