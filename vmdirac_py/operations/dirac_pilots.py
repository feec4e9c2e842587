"""DIRAC's own pilot as the worker starts it: the arguments, from a pool and what its context says of role `pilot`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from vmdirac_py.base.content import collection
from vmdirac_py.model.inventory import Pool

ROLE, DIRAC = "pilot", "dirac"
VM = "{vm}"
"""Stands for the VM's id, which the worker knows; the pilot's UUID, and so its reference in DIRAC."""
ELEMENT = "/Resources/Computing/CEDefaults"
"""Where the pilot also writes what it finds by itself; its `-o` come later, and hold."""
AUTHORITIES = {"X509_CERT_DIR": "certificates", "X509_VOMS_DIR": "vomsdir", "X509_VOMSES": "vomses"}
"""Variable by which the pilot finds trust anchors: folder of role `trust_anchors`."""


def worker_pilot(pool: Pool) -> dict[str, Any]:
    """Return `pilot` of the worker's configuration; empty: the embedded one."""
    given = {**_defaults(ROLE), **pool.context.get(ROLE, {})}
    if given["flavour"] != DIRAC:
        return {}
    return {
        "flavour": DIRAC,
        "command": [*_start(given), *_place(pool, given), *_offer(pool, given), *_rest(given)],
        "environment": _environment(pool, given),
        "user": given["user"],
        "home": given["home"],
    }


def _start(given: Mapping[str, Any]) -> Iterator[str]:
    folder = PurePosixPath(given["folder"])
    yield from (given["python"], str(folder / "dirac-pilot.py"), "-F", str(folder / "pilot.json"))
    if given["preinstalled_env"]:
        yield f"--preinstalledEnv={given['preinstalled_env']}"
    if given["preinstalled_prefix"]:
        yield f"--preinstalledEnvPrefix={given['preinstalled_prefix']}"
    if given["cvmfs_locations"]:
        yield f"--CVMFS_locations={','.join(given['cvmfs_locations'])}"
    if given["host_certificate_folder"]:
        yield from ("--cert", f"--certLocation={given['host_certificate_folder']}")


def _place(pool: Pool, given: Mapping[str, Any]) -> Iterator[str]:
    yield from ("-N", given["ce"], "-Q", given["queue"], "-n", given["site"] or pool.site)
    yield from ("--wnVO", given["vo"] or pool.vo, "--pilotUUID", VM)


def _offer(pool: Pool, given: Mapping[str, Any]) -> Iterator[str]:
    cores = given["processors"] or pool.resources.cores
    yield from ("-y", given["inner_ce"], "-P", str(cores), "-o", f"{ELEMENT}/NumberOfProcessors={cores}")
    yield from ("-o", f"{ELEMENT}/MaxRAM={given['max_ram_mb'] or pool.resources.ram_mb}")
    for tag in dict.fromkeys([*pool.tags, *given["tags"]]):
        yield from ("-t", tag)
    for tag in given["required_tags"]:
        yield f"--requiredTag={tag}"


def _rest(given: Mapping[str, Any]) -> Iterator[str]:
    yield from ("-M", str(given["max_cycles"]), "--PollingTime", str(given["polling_seconds"]))
    yield from ("--StopAfterFailedMatches", str(given["failed_matches"]))
    for path, value in given["options"].items():
        yield from ("-o", f"{path}={value}")
    yield from given["arguments"]


def _environment(pool: Pool, given: Mapping[str, Any]) -> dict[str, str]:
    anchors = {**_defaults("trust_anchors"), **pool.context.get("trust_anchors", {})}
    own = {name: f"{anchors['folder']}/{part}" for name, part in AUTHORITIES.items()}
    proxy = {"X509_USER_PROXY": given["proxy_file"]} if given["proxy_file"] else {}
    return {**own, **proxy, **{name: str(value) for name, value in given["environment"].items()}}


@cache
def _defaults(role: str) -> Mapping[str, Any]:
    """Return a role's own defaults, by the options' names without its prefix. Raises OSError."""
    text = (collection() / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8")
    return {name.removeprefix(f"{role}_"): value for name, value in yaml.safe_load(text).items()}
