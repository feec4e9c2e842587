"""What the services, and those who call them, are configured with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.testbeds.common import mariadb
from tests.testbeds.common.places import write_private

from . import cfg, wanted
from .environment import version
from .places import Places

INSIDE = Path(__file__).with_name("inside")
NAME = "BedCS"
SERVICES = {
    "Configuration": ("Server",),
    "Framework": ("ProxyManager", "TokenManager"),
    "ResourceStatus": ("ResourceStatus",),
    "WorkloadManagement": (
        "OptimizationMind",
        "Matcher",
        "JobManager",
        "JobMonitoring",
        "JobStateUpdate",
        "PilotManager",
    ),
}
"""System: its services."""
DATABASES = {
    "Framework": ("ProxyDB", "TokenDB"),
    "ResourceStatus": ("ResourceStatusDB", "ResourceManagementDB"),
    "WorkloadManagement": ("JobDB", "JobLoggingDB", "TaskQueueDB", "PilotAgentsDB", "SandboxMetadataDB"),
}
AMONG_THEMSELVES = ("OptimizationMind", "ResourceStatus")
"""Services that are called by others without a user's proxy."""
CACHE_S = 300
"""How long site states are kept: below 30 s they would never be believed."""


def names() -> tuple[str, ...]:
    """Return every service as `System/Service`."""
    return tuple(f"{system}/{name}" for system, services in SERVICES.items() for name in services)


def url(ports: Mapping[str, int], service: str) -> str:
    """Return where a service answers."""
    return f"dips://{wanted.HOST}:{ports[service]}/{service}"


def write(places: Places, ports: Mapping[str, int], password: str) -> None:
    """Write all of it."""
    mariadb.write(places, ports["mariadb"])
    write_private(places.server / "etc/dirac.cfg", cfg.text(_of_services(places, ports, password)))
    write_private(places.client / "etc/dirac.cfg", cfg.text(of_clients(places, ports)))
    write_private(places.configuration, cfg.text(_served(ports)))
    shutil.copytree(INSIDE, places.inside, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def of_clients(places: Places, ports: Mapping[str, int]) -> cfg.Section:
    """Return the `dirac.cfg` of who only calls."""
    where = {"Servers": url(ports, "Configuration/Server")}
    return {"DIRAC": {"Configuration": where, "Security": {"Grid-Security": str(places.security)}}}


def _of_services(places: Places, ports: Mapping[str, int], password: str) -> cfg.Section:
    master = url(ports, "Configuration/Server")
    security = {
        "Grid-Security": str(places.security),
        "CertFile": f"{places.security}/hostcert.pem",
        "KeyFile": f"{places.security}/hostkey.pem",
        "UseServerCertificate": "yes",
    }
    database = {"User": "dirac", "Password": password, "Host": "127.0.0.1", "Port": ports["mariadb"]}
    documents = {"User": "none", "Password": "", "Host": "127.0.0.1", "Port": ports["parameters"], "SSL": "no"}
    return {
        "DIRAC": {
            # without it the Configuration service names itself by the machine's name, which no certificate bears
            "Hostname": wanted.HOST,
            "Configuration": {"Name": NAME, "Master": "yes", "Servers": master, "MasterServer": master},
            "Security": security,
        },
        "LocalSite": {"Site": "DIRAC.Bed.local"},
        "Systems": {"Databases": database, "NoSQLDatabases": documents},
    }


def _served(ports: Mapping[str, int]) -> cfg.Section:
    return {
        "Systems": {system: _system(system, ports) for system in SERVICES},
        "Registry": _registry(),
        "DiracX": {"DisabledVOs": wanted.VOS},
        "Operations": {"Defaults": _operations()},
        "Resources": _resources(),
    }


def _system(system: str, ports: Mapping[str, int]) -> cfg.Section:
    services = {name: _service(name, ports[f"{system}/{name}"]) for name in SERVICES[system]}
    databases: dict[str, cfg.Value] = {name: {"DBName": name} for name in DATABASES.get(system, ())}
    section: dict[str, cfg.Value] = {
        "URLs": {name: url(ports, f"{system}/{name}") for name in SERVICES[system]},
        "Services": services,
        "Databases": databases,
    }
    if system == "Configuration":
        services["Server"] = {
            **services["Server"],
            "HandlerPath": "DIRAC/ConfigurationSystem/Service/ConfigurationHandler.py",
        }
    if system == "WorkloadManagement":
        databases["JobParametersDB"] = {"index_name": "job_parameters"}
        section["Executors"] = {"Optimizers": {"Load": ("JobPath", "JobSanity", "JobScheduling")}}
    return section


def _service(name: str, port: int) -> dict[str, cfg.Value]:
    rights = {"Default": "all" if name in AMONG_THEMSELVES else "authenticated"}
    return {"Port": port, "Authorization": {**rights, **wanted.PROPERTIES_OF_SERVICES.get(name, {})}}


def _registry() -> cfg.Section:
    groups = {
        name: {"Users": group.users, "Properties": group.properties, "VO": group.vo, "JobShare": group.share}
        for name, group in wanted.GROUPS.items()
    }
    host = {"DN": wanted.DN.format(wanted.HOST), "Properties": wanted.HOST_PROPERTIES}
    return {
        "DefaultGroup": "alpha_user",
        "Users": {user: {"DN": wanted.DN.format(user), "Email": f"{user}@localhost"} for user in wanted.USERS},
        "Hosts": {wanted.HOST: host},
        "Groups": groups,
        "VO": {vo: {"VOAdmin": "admin"} for vo in wanted.VOS},
    }


def _operations() -> cfg.Section:
    return {
        "Pilot": {"Version": version(), "CheckVersion": "False"},
        "JobScheduling": {"EnableSharesCorrection": "False", "CheckJobLimits": "False"},
        "JobDescription": {"AllowedJobTypes": ("User", "Test", "Production")},
        "ResourceStatus": {"Config": {"State": "Active", "Cache": CACHE_S}},
    }


def _resources() -> cfg.Section:
    systems = {"OSCompatibility": {"el9-x86_64": ("el9-x86_64", "el8-x86_64", "x86_64")}}
    return {"Computing": systems, "Sites": {"CLOUD": {place.site: _site(vo) for vo, place in wanted.PLACES.items()}}}


def _site(vo: str) -> cfg.Section:
    place = wanted.PLACES[vo]
    queue = {"maxCPUTime": 2880, "CPUTime": 172800, "SI00": 2500}
    element = {"CEType": "Cloud", "OS": "el9", "Platform": "el9-x86_64", "VO": vo, "Queues": {place.queue: queue}}
    return {"CE": place.ce, "CEs": {place.ce: element}}
