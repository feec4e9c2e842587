"""The databases of a fresh bed: made, filled with tables, and told which accounts and cells there are."""

from __future__ import annotations

import getpass
import grp
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.testbeds.common import tools
from tests.testbeds.common.mariadb import ask
from tests.testbeds.common.tools import Command

from .places import Places
from .settings import auth_url
from .values import REGION

DATABASES = ("keystone", "glance", "placement", "nova_api", "nova", "nova_cell0", "neutron")
AT_ONCE = 3
MESSAGES = "{scheme}://{username}:{password}@{hostname}:{port}/{path}?{query}"
CELL, CELL_0 = (
    f"{{scheme}}://{{username}}:{{password}}@{{hostname}}:{{port}}/{name}?{{query}}" for name in ("nova", "nova_cell0")
)
"""Nova keeps the addresses of its cells in a database; as templates they hold for other ports and secrets too."""


def make(places: Places, venv: Path, ports: Mapping[str, int], secrets: Mapping[str, str],
         environment: Mapping[str, str]) -> None:  # fmt: skip
    """Make every schema, the programs of one service after another and the services side by side."""
    create = "".join(f"CREATE DATABASE {name} CHARACTER SET utf8mb3;" for name in DATABASES)
    user = f"CREATE USER bed@'127.0.0.1' IDENTIFIED BY '{secrets['services']}'; GRANT ALL ON *.* TO bed@'127.0.0.1';"
    ask(places, create + user, environment)
    chains = tools.Chains({**environment, "OS_BOOTSTRAP_PASSWORD": secrets["admin"]})
    with ThreadPoolExecutor(AT_ONCE) as threads:
        try:
            running = [
                threads.submit(chains.run, chain, places.log / f"schema-{name}.log")
                for name, chain in _chains(places.etc, venv / "bin", auth_url(ports)).items()
            ]
            for one in running:
                one.result()
        except BaseException:
            chains.stop()
            raise


def move(places: Places, urls: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Enter where the services of a kept bed answer now."""
    statement = (
        "UPDATE keystone.endpoint e JOIN keystone.service s ON s.id = e.service_id SET e.url = '{}'"
        " WHERE json_value(s.extra, '$.name') = '{}';"
    )
    ask(places, "".join(statement.format(url, name) for name, url in urls.items()), environment)


def _chains(etc: Path, programs: Path, keystone_url: str) -> dict[str, list[Command]]:
    """Return each service's commands in their order, the longest first."""
    neutron: list[str | Path] = [
        "--config-file",
        etc / "neutron/neutron.conf",
        "--config-file",
        etc / "neutron/ml2_conf.ini",
    ]
    return {
        "neutron": [[programs / "neutron-db-manage", *neutron, "upgrade", "heads"]],
        "nova": _nova([programs / "nova-manage", "--config-file", etc / "nova/nova.conf"]),
        "keystone": _keystone([programs / "keystone-manage", "--config-dir", etc / "keystone"], keystone_url),
        "glance": [[programs / "glance-manage", "--config-dir", etc / "glance", "db_sync"]],
        "placement": [[programs / "placement-manage", "--config-dir", etc / "placement", "db", "sync"]],
    }


def _nova(manage: list[str | Path]) -> list[Command]:
    cell_1 = ["--name", "cell1", "--transport-url", MESSAGES, "--database_connection", CELL]
    return [
        [*manage, "api_db", "sync"],
        [*manage, "cell_v2", "map_cell0", "--database_connection", CELL_0],
        [*manage, "db", "sync"],
        [*manage, "cell_v2", "create_cell", *cell_1],
    ]


def _keystone(manage: list[str | Path], url: str) -> list[Command]:
    who = ["--keystone-user", getpass.getuser(), "--keystone-group", grp.getgrgid(os.getegid()).gr_name]
    urls = [word for kind in ("admin", "internal", "public") for word in (f"--bootstrap-{kind}-url", url)]
    return [
        [*manage, "db_sync"],
        [*manage, "fernet_setup", *who],
        [*manage, "credential_setup", *who],
        [*manage, "bootstrap", *urls, "--bootstrap-region-id", REGION],
    ]
