"""What a bed is seeded with: two VOs with room, one with low quotas, flavors up to what fits nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from .values import UNLIMITED, Content, Flavor


@dataclass(frozen=True, slots=True)
class Quota:
    """Of Nova (instances, cores, memory in MiB) and of Neutron (ports)."""

    instances: int = UNLIMITED
    cores: int = UNLIMITED
    memory_mb: int = UNLIMITED
    ports: int = 2000


PROJECTS = {"biomed": Quota(), "lz": Quota(), "tight": Quota(5, 12, 65_536, 20)}
CONTENT = Content(
    flavors={
        "c1": Flavor(1, 2_048, 10),
        "c2": Flavor(2, 4_096, 20),
        "c4": Flavor(4, 8_192, 40),
        "c8": Flavor(8, 16_384, 80),
        "c8.mem": Flavor(8, 65_536, 80),
        "giant": Flavor(8_000, 16_384, 80),
    },
    image="debian-12",
    outside="outside",
)
"""`giant` has more cores than the host: accepted, then in ERROR for want of a valid host."""


def user_of(project: str) -> str:
    """Return the name of a project's user."""
    return f"{project}-robot"


def secrets() -> tuple[str, ...]:
    """Return the names of all secrets of a bed."""
    return ("services", "admin", *PROJECTS, *(f"{name}-appcred" for name in PROJECTS))
