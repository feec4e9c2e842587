"""MariaDB for one bed alone, on loopback and a socket of its own."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from string import Template

from . import tools
from .places import Places, write_private
from .processes import Program

TEMPLATE = Path(__file__).with_name("mariadb.cnf")


def write(places: Places, port: int) -> None:
    """Write its configuration."""
    values = {"data": places.data, "run": places.run, "log": places.log, "port": port}
    write_private(_settings(places), Template(TEMPLATE.read_text()).substitute(values))


def program(places: Places) -> Program:
    """Return how it is started."""
    return Program("mariadb", ["mariadbd", f"--defaults-file={_settings(places)}", f"--user={getpass.getuser()}"], {})


def lay(places: Places, environment: Mapping[str, str]) -> None:
    """Make MariaDB's own tables, before it is first started."""
    user = f"--user={getpass.getuser()}"
    how = ["--skip-test-db", "--auth-root-authentication-method=normal"]
    command = ["mariadb-install-db", f"--defaults-file={_settings(places)}", user, *how]
    tools.run(command, log=places.log / "mariadb-install.log", environment=environment)


def ask(places: Places, statements: str, environment: Mapping[str, str]) -> str:
    """Let MariaDB do what it is told on its socket, and return its answer."""
    command = ["mariadb", "--no-defaults", f"--socket={places.socket}", "-uroot", "--skip-column-names"]
    return tools.answer(command, given=statements, log=places.log / "mariadb-ask.log", environment=environment)


def _settings(places: Places) -> Path:
    return places.etc / "mariadb.cnf"
