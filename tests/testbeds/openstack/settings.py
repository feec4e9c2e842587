"""The servers' configuration, from `templates/`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template

from tests.testbeds.common import mariadb
from tests.testbeds.common.places import write_private

from .places import Places
from .values import REGION

TEMPLATES = Path(__file__).with_name("templates")
INSIDE = Path(__file__).with_name("inside")
FILES = {
    "rabbit.conf": "rabbit.conf",
    "keystone.conf": "keystone/keystone.conf",
    "glance-api.conf": "glance/glance-api.conf",
    "placement.conf": "placement/placement.conf",
    "nova.conf": "nova/nova.conf",
    "neutron.conf": "neutron/neutron.conf",
    "ml2_conf.ini": "neutron/ml2_conf.ini",
}
"""Template: file in the bed's configuration folder."""
OF_PACKAGES = {
    "etc/glance/glance-api-paste.ini": "glance/glance-api-paste.ini",
    "etc/nova/api-paste.ini": "nova/api-paste.ini",
    "etc/neutron/api-paste.ini": "neutron/api-paste.ini",
}
"""File that a package brings: where its server looks for it."""
FOLDERS = ("rabbit", "keystone/fernet", "keystone/credential", "nova/instances", "neutron",
           "glance/images", "glance/staging", "glance/tasks")  # fmt: skip
ENTRY_POINTS = "[neutron.ml2.mechanism_drivers]\nanyhost = anyhost:AnyHost\n"


def auth_url(ports: Mapping[str, int]) -> str:
    """Return where Keystone answers."""
    return f"http://127.0.0.1:{ports['keystone']}/v3"


def write(places: Places, venv: Path, ports: Mapping[str, int], secrets: Mapping[str, str]) -> None:
    """Write all of it, and make the folders it names."""
    for folder in FOLDERS:
        (places.data / folder).mkdir(parents=True, exist_ok=True)
    values = _values(places, ports, secrets)
    mariadb.write(places, ports["mariadb"])
    for template, file in FILES.items():
        write_private(places.etc / file, Template((TEMPLATES / template).read_text()).substitute(values))
    write_private(places.etc / "rabbit_plugins", "[].\n")
    # nova-compute that knows of a database complains, loudly, that it must not
    lines = (places.etc / "nova/nova.conf").read_text().splitlines(keepends=True)
    write_private(places.etc / "nova/compute.conf", "".join(one for one in lines if not one.startswith("connection =")))
    for source, file in OF_PACKAGES.items():
        shutil.copy(venv / source, places.etc / file)
    _write_inside(places)


def _values(places: Places, ports: Mapping[str, int], secrets: Mapping[str, str]) -> dict[str, str]:
    return {
        "etc": str(places.etc),
        "data": str(places.data),
        "log": str(places.log),
        "run": str(places.run),
        "database": f"mysql+pymysql://bed:{secrets['services']}@127.0.0.1:{ports['mariadb']}",
        "account": _account(ports, secrets),
        "tokens": _tokens(ports),
        **{f"port_{name}": str(port) for name, port in ports.items()},
        **{f"secret_{name}": secret for name, secret in secrets.items()},
    }


def _account(ports: Mapping[str, int], secrets: Mapping[str, str]) -> str:
    """Return the lines that let a service speak to another as its own user."""
    return (
        f"auth_url = {auth_url(ports)}\nauth_type = password\npassword = {secrets['services']}\n"
        f"project_name = service\nuser_domain_id = default\nproject_domain_id = default\nregion_name = {REGION}"
    )


def _tokens(ports: Mapping[str, int]) -> str:
    """Return the lines that let a service check the tokens it is shown."""
    return (
        f"www_authenticate_uri = {auth_url(ports)}\nmemcached_servers = 127.0.0.1:{ports['memcached']}\n"
        "service_token_roles_required = true\nservice_token_roles = service"
    )


def _write_inside(places: Places) -> None:
    """Copy our modules: a bed that runs does not change with the checkout it was started from."""
    inside = places.etc / "inside"
    shutil.copytree(INSIDE, inside, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    about = inside / "testbed-1.dist-info"
    write_private(about / "METADATA", "Metadata-Version: 2.1\nName: testbed\nVersion: 1\n")
    write_private(about / "entry_points.txt", ENTRY_POINTS)


def surroundings(places: Places, venv: Path) -> dict[str, str]:
    """Return the environment of every program of a bed: nothing of the user's comes in."""
    path = [str(venv / "bin"), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return {
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": str(places.etc / "inside"),
        "PYTHONWARNINGS": "ignore",
        "HOME": str(places.data),
        "LC_ALL": "C.UTF-8",
    }
