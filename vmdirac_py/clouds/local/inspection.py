"""Whether the embedded cloud would give its pools VMs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vmdirac_py.clouds.api import CloudError, Finding
from vmdirac_py.model.inventory import Pool

from .client import Client

QUOTA = "end some VMs, or start its server with a larger --max-vms or --cores"
NO_IMAGES = "the machine's own files; this cloud has no other images"


def inspect(client: Client, pools: Sequence[Pool]) -> list[Finding]:
    """Return findings on login, quota, isolation and each pool; none but the first where nobody answers."""
    try:
        told = client.call("limits")
    except CloudError as error:
        return [Finding("login", ok=False, text=f"{error.where}: {error.what}", mend=error.mend)]
    return [
        Finding("login", ok=True, text="its server answers"),
        _quota(told),
        Finding("isolation", ok=True, text=f"{told['isolation']}: {told['promises']}"),
        *(_flavor(told, pool) for pool in pools),
        Finding("images", ok=True, text=NO_IMAGES),
    ]


def _quota(told: Mapping[str, Any]) -> Finding:
    full = _room(told, "vms") < 1 or _room(told, "cores") < 1
    used = f"{_of(told, 'vms')} VMs and {_of(told, 'cores')} cores are used"
    return Finding("quota", ok=not full, text=used, mend=QUOTA if full else "")


def _flavor(told: Mapping[str, Any], pool: Pool) -> Finding:
    most, cores = told["max_cores"], pool.resources.cores
    fits = most is None or cores <= most
    mend = "" if fits else f"set pool_cores to {most} at most, or start the cloud's server with a larger --cores"
    return Finding(f"flavor of {pool.name}", ok=fits, text=f"{pool.flavor}, {cores} cores", mend=mend)


def _room(told: Mapping[str, Any], what: str) -> float:
    most = told[f"max_{what}"]
    return float("inf") if most is None else most - told[f"used_{what}"]


def _of(told: Mapping[str, Any], what: str) -> str:
    most = told[f"max_{what}"]
    return f"{told[f'used_{what}']}" if most is None else f"{told[f'used_{what}']} of {most}"
