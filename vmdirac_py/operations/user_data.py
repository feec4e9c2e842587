"""User data: a small cloud-config that fetches the worker and starts it. It carries nothing durable."""

from __future__ import annotations

import json
from dataclasses import dataclass

import yaml

from vmdirac_py.model.inventory import Pool

CONFIG_PATH = "/etc/vmdirac/worker.json"
BOOT_PATH = "/var/lib/vmdirac/boot.py"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The worker as VMs get it: the SHA-256 it is served under, and the script that fetches it."""

    sha256: str
    boot_script: str


@dataclass(frozen=True, slots=True)
class Manager:
    """Where VMs find the manager (`https://HOST:PORT`), and the CA (PEM) they know it by."""

    url: str
    ca: str


def user_data(pool: Pool, *, token: str, manager: Manager, bundle: Bundle, instance_id_file: str) -> bytes:
    """Return the user data for the VMs of one batch.

    The enrolment token is the only secret in it: good for this batch's instances, once each, until the boot deadline.
    """
    config = json.dumps(_worker_config(pool, token, manager, instance_id_file))
    document = {
        "write_files": [
            {"path": CONFIG_PATH, "permissions": "0600", "content": config},
            {"path": BOOT_PATH, "permissions": "0755", "content": bundle.boot_script},
        ],
        "runcmd": [["/usr/bin/env", "python3", BOOT_PATH, bundle.sha256]],
    }
    return b"#cloud-config\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def _worker_config(pool: Pool, token: str, manager: Manager, instance_id_file: str) -> dict[str, object]:
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
    }
