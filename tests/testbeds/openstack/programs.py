"""The table of servers: how each is started, and when it is up."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path

from tests.testbeds.common import mariadb
from tests.testbeds.common.processes import Program, Words

from .places import Places

APIS = {
    "keystone": ("keystone.wsgi.api", 8),
    "placement": ("placement.wsgi.api", 6),
    "glance": ("glance.wsgi.api", 4),
    "neutron": ("neutron.wsgi.api", 8),
    "nova": ("nova.wsgi.osapi_compute", 8),
}
"""API: its WSGI module and its threads."""
CATALOGUE = {
    "glance": ("image", ""),
    "placement": ("placement", ""),
    "nova": ("compute", "/v2.1"),
    "neutron": ("network", ""),
}
"""Service: its type and the path of its endpoint; Keystone enters itself."""
STORES = ("rabbit", "memcached", "mariadb")
SERVERS = (*STORES, "rabbit_peers", "epmd", *APIS)
"""What listens, each on a port."""
CONDUCTOR, COMPUTE, SCHEDULER = "nova-conductor", "nova-compute", "nova-scheduler"
NAMES = (*STORES, *APIS, CONDUCTOR, SCHEDULER, COMPUTE)


def table(places: Places, venv: Path, ports: Mapping[str, int]) -> dict[str, Program]:
    """Return every server of a bed by its name."""
    stores = [mariadb.program(places), _memcached(ports), _rabbit(places, ports)]
    apis = [_api(name, places, venv, ports) for name in APIS]
    novas = [
        _nova(CONDUCTOR, [venv / "bin/nova-conductor"], "nova.conf", places),
        _nova(SCHEDULER, [venv / "bin/nova-scheduler"], "nova.conf", places),
        _nova(COMPUTE, [venv / "bin/python", places.etc / "inside/compute.py"], "compute.conf", places),
    ]
    return {program.name: program for program in (*stores, *apis, *novas)}


def _memcached(ports: Mapping[str, int]) -> Program:
    where: Words = ["-l", "127.0.0.1", "-p", ports["memcached"], "-U", 0]
    return Program("memcached", ["memcached", *where, "-u", getpass.getuser(), "-m", 64, "-c", 4096], {})


def _rabbit(places: Places, ports: Mapping[str, int]) -> Program:
    # the script that Debian puts on the path wants to become another user; this is the one it calls
    erlang = "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
    environment = {
        "HOME": str(places.data / "rabbit"),
        "RABBITMQ_NODENAME": "bed@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(ports["rabbit"]),
        "RABBITMQ_DIST_PORT": str(ports["rabbit_peers"]),
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(places.data / "rabbit"),
        "RABBITMQ_LOG_BASE": str(places.log),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(places.etc / "rabbit"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(places.etc / "rabbit_plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
    }
    return Program("rabbit", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], environment)


def _api(name: str, places: Places, venv: Path, ports: Mapping[str, int]) -> Program:
    module, threads = APIS[name]
    environment = {f"OS_{name.upper()}_CONFIG_DIR": str(places.etc / name)}
    if name == "neutron":
        environment["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf;ml2_conf.ini"
    command: Words = [venv / "bin/uwsgi", "--http-socket", f"127.0.0.1:{ports[name]}"]
    how: Words = ["--module", f"{module}:application", "--master", "--die-on-term", "--lazy-apps", "--need-app",
                  "--processes", 1, "--threads", threads, "--enable-threads", "--virtualenv", venv, "--listen", 100,
                  "--buffer-size", 65535, "--http-chunked-input", "--add-header", "Connection: close",
                  "--disable-logging", "--worker-reload-mercy", 5]  # fmt: skip
    return Program(name, [*command, *how], environment)


def _nova(name: str, command: Words, settings: str, places: Places) -> Program:
    where: Words = ["--config-file", places.etc / "nova" / settings, "--log-file", places.log / f"{name}.log"]
    return Program(name, [*command, *where], {})
