"""What a VM is given, by kind of system; `python -m tests.unit.operations.golden` writes the files anew.

Debian's is checked by its real cloud-init (`tests/integration/worker/test_cloud_init.py`), and such VMs boot in the bed
of real VMs. Those of EL are golden only, not run: no system of that family is at hand where the project is tested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.context import make_pool
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.operations.contextualising import Bundle
from vmdirac_py.operations.user_data import Cloud, Manager, user_data

FOLDER = Path(__file__).parent
HERE = "http://mirror.example.org"
CVMFS = {"repositories": ["astro.example.org"], "http_proxy": ["http://squid.example.org:3128", "DIRECT"]}
DEBIAN = [
    {"name": "debian", "url": f"{HERE}/debian", "suite": "bookworm", "components": ["main"]},
    {"name": "cvmfs", "url": f"{HERE}/cvmfs/apt", "suite": "bookworm-prod", "components": ["main"]},
]


def _el(version: int) -> dict[str, Any]:
    names = ("baseos", "appstream", "epel", "cvmfs")
    key = f"/etc/pki/rpm-gpg/RPM-GPG-KEY-{version}"
    mirrors = [{"name": name, "url": f"{HERE}/el{version}/{name}", "key": key} for name in names]
    profile = {"mirrors": mirrors, "packages": ["gcc", "perl"]}
    return {"profile": profile, "cvmfs": CVMFS, "apptainer": {}, "worker": {"payload_users": 8}}


FAMILIES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "bare": {},
    "debian": {
        "profile": {"mirrors": DEBIAN, "packages": ["gcc", "perl"], "swap_mb": 2048},
        "cvmfs": CVMFS,
        "apptainer": {"packages": ["apptainer"]},
        "worker": {"payload_users": 8},
    },
    "el9": _el(9),
    "el10": _el(10),
    "el8": {**_el(8), "worker": {"payload_users": 8, "python": "/usr/bin/python3.11"}},
}
"""By kind of system, a pool's context. EL 8 needs a newer Python than its own, in the image already."""


@dataclass(frozen=True)
class Specimen:
    """A pool's user data with fixed hashes and a boot script of one line: what the golden files are made of."""

    token: str = "token-of-the-batch"

    def write(self, context: Mapping[str, Any], *, most: int = 65_535, bundle_url: str = "") -> bytes:
        """Return the user data of a pool with this context."""
        pool = make_pool("astro-8", "astro", context=context, profile="0123456789ab" if context else "")
        endpoint = Endpoint("north", "openstack", "CLOUD.North.xy", bundle_url=bundle_url)
        manager = Manager("https://manager.example.org:8443", "-----BEGIN CERTIFICATE-----\n...\n")
        bundle = Bundle("0" * 64, "print('boot')\n", "1" * 64)
        cloud = Cloud("/var/lib/cloud/data/instance-id", most)
        return user_data(pool, endpoint, token=self.token, manager=manager, bundle=bundle, cloud=cloud)


SPECIMEN = Specimen()


def made(family: str) -> str:
    """Return the user data of a family, its JSON files opened, without the worker's configuration."""
    document = yaml.safe_load(SPECIMEN.write(FAMILIES[family]))
    for file in document["write_files"]:
        if file["path"].endswith(".json"):
            file["content"] = json.loads(file["content"])
            file["content"].pop("worker", None)
    return yaml.safe_dump(document, sort_keys=False)


def golden(family: str) -> Path:
    """Return the file that holds it."""
    return FOLDER / f"{family}.yml"
