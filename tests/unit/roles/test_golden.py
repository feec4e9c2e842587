"""What roles write, by family of distributions: the files as they stand on a machine.

The RedHat files are golden only, not run: no such machine is here. Debian's are used too (`tests/integration/roles`).
`UPDATE_GOLDEN=1` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jinja2
import pytest

ROLES = Path(__file__).resolve().parents[3] / "roles"
GOLDEN = Path(__file__).parent / "golden"
VARIABLES: dict[str, Any] = {
    "ansible_managed": "Ansible managed",
    "cvmfs_cache_base": "/var/lib/cvmfs",
    "cvmfs_client_profile": "single",
    "cvmfs_http_proxy": ["http://squid.example.org:3128", "DIRECT"],
    "cvmfs_parameters": {"CVMFS_TIMEOUT": 5, "CVMFS_USE_GEOAPI": True},
    "cvmfs_quota": 9000,
    "cvmfs_repositories": ["a.example.org", "b.example.org"],
    "profile_sysctl": {"vm.swappiness": 1},
    "profile_user_namespaces": 150000,
    "worker_payload_users": 2,
    "worker_python": "/usr/bin/python3",
}
MIRRORS: dict[str, list[dict[str, Any]]] = {
    "Debian": [
        {"name": "base", "url": "http://mirror.example.org/debian", "suite": "bookworm",
         "components": ["main"], "key": "/usr/share/keyrings/debian-archive-keyring.gpg"},
        {"name": "own", "url": "file:/srv/mirror", "suite": "./", "trusted": True},
    ],
    "RedHat": [
        {"name": "base", "url": "http://mirror.example.org/el9/BaseOS", "key": "/etc/pki/rpm-gpg/RPM-GPG-KEY-site"},
        {"name": "own", "url": "file:///srv/mirror", "trusted": True},
    ],
}  # fmt: skip
BOTH = {
    "default.local": "cvmfs/templates/default.local.j2",
    "60-vmdirac.conf": "profile/templates/sysctl.conf.j2",
    "vmdirac-metadata.service": "profile/templates/vmdirac-metadata.service.j2",
    "vmdirac-payloads.conf": "worker/templates/payloads.sysusers.j2",
    "vmdirac-worker.service": "worker/templates/vmdirac-worker.service.j2",
}
FILES = {
    "Debian": {
        **BOTH,
        "mirrors.sources": "profile/templates/mirrors.sources.j2",
        "99vmdirac": "profile/templates/apt.conf.j2",
    },
    "RedHat": {**BOTH, "mirrors.repo": "profile/templates/mirrors.repo.j2"},
}


@pytest.mark.parametrize(("family", "name"), [(family, name) for family, files in FILES.items() for name in files])
def test_a_file_is_what_it_was(family: str, name: str) -> None:
    """A role's file has the text that was looked at when it was made."""
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, autoescape=False)  # as Ansible's
    template = environment.from_string((ROLES / FILES[family][name]).read_text())
    text, golden = template.render(VARIABLES, profile_mirrors=MIRRORS[family]), GOLDEN / family / name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_nothing_golden_is_left_over() -> None:
    """Each golden file belongs to a template."""
    assert {path.name for path in (GOLDEN / "RedHat").iterdir()} == set(FILES["RedHat"])
    assert {path.name for path in (GOLDEN / "Debian").iterdir()} == set(FILES["Debian"])
