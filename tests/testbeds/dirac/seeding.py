"""What a fresh bed is filled with: databases and tables, proxies, open sites."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import msgspec

from tests.testbeds.common import mariadb, tools
from tests.testbeds.common.places import write_private

from . import settings, wanted
from .places import Places
from .programs import surroundings

BYTES = 18


def password(places: Places) -> str:
    """Return the services' password at the database, made once."""
    file = places.secrets / "database"
    if not file.exists():
        write_private(file, token_urlsafe(BYTES))
    return file.read_text()


def databases(places: Places, venv: Path, environment: Mapping[str, str]) -> None:
    """Make the databases, and the tables of those that DIRAC ships as SQL; the others are made by its classes."""
    user = f"CREATE USER dirac@'127.0.0.1' IDENTIFIED BY '{password(places)}';"
    grant = "GRANT ALL ON *.* TO dirac@'127.0.0.1';"
    names = [name for each in settings.DATABASES.values() for name in each]
    created = "".join(f"CREATE DATABASE {name};" for name in names)
    mariadb.ask(places, user + grant + created + "".join(_tables(venv, name) for name in names), environment)


def _tables(venv: Path, name: str) -> str:
    file = next(venv.glob(f"lib/python*/site-packages/DIRAC/*/DB/{name}.sql"))
    text = file.read_text()
    return f"\nUSE {name};\n{text}\n" if "CREATE TABLE" in text else ""


def tables(places: Places, venv: Path) -> None:
    """Make the tables that services make at first use."""
    files = [str(places.server / "etc/dirac.cfg"), str(places.configuration)]
    _run("tables", {"settings": files}, places, venv, surroundings(places, venv, places.server))


def proxies(places: Places, venv: Path) -> None:
    """Write a proxy of each group, and of each owner without a group; they last for a week."""
    places.proxies.mkdir(exist_ok=True)
    proxies = [(name, group.users[0], name) for name, group in wanted.GROUPS.items()]
    order = {"people": str(places.certificates), "folder": str(places.proxies)}
    order_all = {**order, "proxies": [*proxies, *((owner, owner, None) for owner in wanted.OWNERS)]}
    _run("proxies", order_all, places, venv, surroundings(places, venv, places.client))


def content(places: Places, venv: Path) -> None:
    """Open the sites, and store the owners' proxies."""
    sites = [place.site for place in wanted.PLACES.values()]
    _run("content", {"sites": sites}, places, venv, surroundings(places, venv, places.server))


def upload(places: Places, venv: Path) -> None:
    """Store the owners' proxies, so that pilots can fetch them; a store takes none that bears a group."""
    for owner in wanted.OWNERS:
        proxy = str(places.proxies / f"{owner}.pem")
        caller = {"X509_USER_PROXY": str(places.proxies / f"{_group_of(owner)}.pem")}
        _run("upload", {"proxy": proxy}, places, venv, surroundings(places, venv, places.client) | caller)


def _group_of(user: str) -> str:
    return next(name for name, group in wanted.GROUPS.items() if group.users[0] == user)


def _run(verb: str, order: Any, places: Places, venv: Path, environment: Mapping[str, str]) -> None:
    command: tools.Command = [venv / "bin/python", places.inside / "seed.py", verb]
    given = msgspec.json.encode(order).decode()
    tools.answer(command, given=given, log=places.log / f"seed-{verb}.log", environment=environment)
