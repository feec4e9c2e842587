"""What a VM must find before it asks for jobs (`worker/gate.py`): what its pool promises, and what its roles leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from vmdirac_py.model.inventory import Pool

SHARING = frozenset({"local"})
"""Kinds of endpoint whose VMs are processes of their host: with its clock, and whatever hardware it has."""
CLOCK_SECONDS = 60.0
"""Far within the five minutes that proxies and tokens allow."""
LONGEST_PART = 0.5
"""Of the boot deadline: a VM that tried for longer would be given up before it can say why."""

Options = Mapping[str, Any]
METADATA = ("169.254.169.254", "fd00:ec2::254")
"""What role `profile` cuts off."""
TRUST_FOLDER, CRL_HOURS = "/etc/grid-security", 72
"""Defaults of role `trust_anchors`."""
PAYLOAD_USER = "vmdirac_payload_{:02}"
"""How role `worker` names the accounts it makes."""


def gate_of(pool: Pool, kind: str) -> dict[str, Any]:
    """Return the gate of the pool's VMs on an endpoint of a kind, by the keys of `worker.gate.KEYS`; empty: open."""
    found = {**({} if kind in SHARING else _machine(pool)), **dict(_left_by_roles(pool.context))}
    return {"seconds": min(pool.gate_seconds, LONGEST_PART * pool.boot_deadline), **found} if found else {}


def _machine(pool: Pool) -> dict[str, Any]:
    size = pool.resources
    promised = {"cores": size.cores, "ram_mb": size.ram_mb, "disk_gb": size.disk_gb, "gpus": size.gpus}
    return {**{name: amount for name, amount in promised.items() if amount}, "clock_seconds": CLOCK_SECONDS}


def _left_by_roles(context: Mapping[str, Options]) -> Iterator[tuple[str, Any]]:
    for role, (key, wanted) in LEFT.items():
        if role in context and (value := wanted(context[role])):
            yield key, value


def _metadata(profile: Options) -> list[str]:
    return list(METADATA) if profile.get("metadata_cutoff", True) else []


def _cvmfs(cvmfs: Options) -> list[str]:
    return list(cvmfs.get("repositories", ()))


def _trust_anchors(anchors: Options) -> dict[str, Any]:
    if not (anchors.get("cvmfs") or anchors.get("url")) or "certificates" not in anchors.get(
        "parts", ("certificates",)
    ):
        return {}
    folder = f"{anchors.get('folder', TRUST_FOLDER)}/certificates"
    return {"folder": folder, "crl_hours": anchors.get("crl_hours", CRL_HOURS)}


def _runtime(apptainer: Options) -> list[str]:
    program, image = apptainer.get("runtime", "apptainer"), apptainer.get("probe_image", "")
    return [program, "exec", "--contain", "--no-home", image, "/bin/true"] if image else [program, "--version"]


def _payload_users(worker: Options) -> list[str]:
    return [PAYLOAD_USER.format(number) for number in range(worker.get("payload_users", 0))]


LEFT: Mapping[str, tuple[str, Callable[[Options], Any]]] = MappingProxyType(
    {
        "profile": ("metadata", _metadata),
        "trust_anchors": ("trust_anchors", _trust_anchors),
        "cvmfs": ("cvmfs", _cvmfs),
        "apptainer": ("runtime", _runtime),
        "worker": ("payload_users", _payload_users),
    }
)
"""Role -> the gate's key, and what must hold once that role ran with such options."""
