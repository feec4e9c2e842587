"""The table of servers: how each is started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.testbeds.common import mariadb
from tests.testbeds.common.processes import Program, Words

from . import settings
from .places import Places

EXECUTOR, CONFIGURATION, STORES = "WorkloadManagement/Optimizers", "Configuration/Server", ("mariadb", "parameters")
SERVERS = (*STORES, *settings.names())
"""What listens, each on a port."""


def program_of(server: str) -> str:
    """Return the name its program and log have."""
    return server.replace("/", "_")


NAMES = tuple(program_of(name) for name in (*SERVERS, EXECUTOR))


def table(places: Places, venv: Path, ports: Mapping[str, int]) -> dict[str, Program]:
    """Return every server of a bed by its name."""
    parameters: Words = [venv / "bin/python", places.inside / "parameters.py", ports["parameters"]]
    services = {name: _service(name, places, venv) for name in settings.names()}
    executor = Program(program_of(EXECUTOR), [venv / "bin/dirac-executor", EXECUTOR], {})
    stores = {"mariadb": mariadb.program(places), "parameters": Program("parameters", parameters, {})}
    return {**stores, **services, EXECUTOR: executor}


def _service(name: str, places: Places, venv: Path) -> Program:
    more: Words = ["--cfg", places.configuration] if name == CONFIGURATION else []
    return Program(program_of(name), [venv / "bin/dirac-service", name, *more], {})


def surroundings(places: Places, venv: Path, root: Path) -> dict[str, str]:
    """Return the environment of a program of DIRAC's: nothing of the user's comes in; `root`: whose `dirac.cfg`."""
    path = [str(venv / "bin"), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    return {
        "PATH": ":".join(path),
        "PYTHONPATH": str(places.inside),
        "PYTHONUNBUFFERED": "1",
        "DIRAC_ROOT_PATH": str(root),
        "X509_CERT_DIR": f"{places.security}/certificates",
        "X509_VOMS_DIR": f"{places.security}/vomsdir",
        "X509_VOMSES": f"{places.security}/vomses",
        "HOME": str(places.data),
        "LC_ALL": "C.UTF-8",
    }
