"""The seed: run in OpenStack's environment, and read into a `Bed`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tests.testbeds.common import tools
from tests.testbeds.common.places import write_private

from . import recipe, wanted
from .bed import Bed
from .places import Places
from .programs import APIS, CATALOGUE
from .settings import auth_url
from .values import REGION, Account, Project


def urls(ports: Mapping[str, int]) -> dict[str, str]:
    """Return where each API answers."""
    paths = {name: path for name, (_, path) in CATALOGUE.items()} | {"keystone": "/v3"}
    return {name: f"http://127.0.0.1:{ports[name]}{paths[name]}" for name in APIS}


def seed(what: str, places: Places, venv: Path, ports: Mapping[str, int], secrets: Mapping[str, str],
         environment: Mapping[str, str]) -> None:  # fmt: skip
    """Fill a fresh cloud with `identity` or, once every API answers, with `content`."""
    command: tools.Command = [venv / "bin/python", places.etc / "inside/seed.py", what]
    given = msgspec.json.encode(_wanted(ports, secrets)).decode()
    text = tools.answer(command, given=given, log=places.log / "seed.log", environment=environment)
    if what == "content":
        write_private(places.seeded, text)


def bed(places: Places, ports: Mapping[str, int]) -> Bed:
    """Return the bed, of what the seed answered once and where the servers listen now."""
    seeded = msgspec.json.decode(places.seeded.read_bytes())
    return Bed(
        auth_url=auth_url(ports),
        urls=urls(ports),
        admin=_account(places, "admin", "admin", seeded["admin"]),
        projects={name: _project(places, name, ids) for name, ids in seeded["projects"].items()},
        content=wanted.CONTENT,
        home=places.home,
        clouds_file=places.clouds,
        recipe=recipe.word(),
    )


def _wanted(ports: Mapping[str, int], secrets: Mapping[str, str]) -> dict[str, Any]:
    where = urls(ports)
    return {
        "auth_url": auth_url(ports),
        "region": REGION,
        "secrets": dict(secrets),
        "services": {name: (kind, where[name]) for name, (kind, _) in CATALOGUE.items()},
        "flavors": dict(wanted.CONTENT.flavors),
        "image": wanted.CONTENT.image,
        "outside": wanted.CONTENT.outside,
        "projects": {name: _project_wanted(number, name) for number, name in enumerate(wanted.PROJECTS)},
    }


def _project_wanted(number: int, name: str) -> dict[str, Any]:
    quota = wanted.PROJECTS[name]
    return {
        "user": wanted.user_of(name),
        "quota": (quota.instances, quota.cores, quota.memory_mb, quota.ports),
        "cidr": f"10.{77 + number}.0.0/20",
        **_names(name),
    }


def _names(project: str) -> dict[str, str]:
    return {"network": f"{project}-net", "security_group": f"{project}-ssh", "keypair": f"{project}-key"}


def _account(places: Places, user: str, project: str, project_id: str) -> Account:
    return Account(user=user, password_file=places.secrets / project, project=project, project_id=project_id)


def _project(places: Places, name: str, ids: Mapping[str, str]) -> Project:
    return Project(
        user=wanted.user_of(name),
        password_file=places.secrets / name,
        project=name,
        project_id=ids["id"],
        appcred_id=ids["appcred_id"],
        appcred_secret_file=places.secrets / f"{name}-appcred",
        network_id=ids["network_id"],
        instances=wanted.PROJECTS[name].instances,
        cores=wanted.PROJECTS[name].cores,
        **_names(name),
    )
