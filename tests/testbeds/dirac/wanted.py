"""What a bed holds: two VOs with a site each, users and groups, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass

from .values import Place

HOST = "localhost"
DN = "/O=Bed/CN={}"
USERS = ("admin", "alice", "bob", "pilot")
VOS = ("alpha", "beta")
ADMINISTRATORS = "dirac_admin"
TRUSTED = ("CSAdministrator", "JobAdministrator", "FullDelegation", "ProxyManagement", "Operator")


@dataclass(frozen=True, slots=True)
class Group:
    """A group's one or more users, its VO, its properties and its share of the queues."""

    users: tuple[str, ...]
    vo: str
    properties: tuple[str, ...]
    share: int = 1000


GROUPS = {
    ADMINISTRATORS: Group(("admin",), "alpha", ("NormalUser", *TRUSTED)),
    "alpha_user": Group(("alice", "admin"), "alpha", ("NormalUser",)),
    "alpha_prod": Group(("alice",), "alpha", ("NormalUser", "JobSharing", "ProductionManagement"), 3000),
    "beta_user": Group(("bob",), "beta", ("NormalUser",)),
    "alpha_pilot": Group(("pilot",), "alpha", ("GenericPilot", "LimitedDelegation"), 0),
    "beta_pilot": Group(("pilot",), "beta", ("GenericPilot", "LimitedDelegation"), 0),
}
"""Each group's proxy is its first user's."""
HOST_PROPERTIES = ("TrustedHost", *TRUSTED)
OWNERS = ("alice", "bob")
"""Whose proxies are stored, so that pilots can fetch them for their payloads."""
PLACES = {
    "alpha": Place(site="CLOUD.Alpha.es", ce="cloud.alpha.example.org", queue="c2"),
    "beta": Place(site="CLOUD.Beta.fr", ce="cloud.beta.example.org", queue="c2"),
}
PROPERTIES_OF_SERVICES = {"Matcher": {"getActiveTaskQueues": "JobAdministrator"}}
