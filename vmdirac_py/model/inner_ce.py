"""What an operator may set for the inner CEs of a pool, and what of it is unwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from .inventory import Endpoint, Pool
from .value import Amount, Count, Seconds, Value

UNPROTECTED = ("InProcess", "Pool", "Pool/InProcess")
_LOCAL = "local"  # the cloud of the quickstart, whose VMs are processes of one user anyway


class InnerCeOptions(Value, frozen=True):
    """The options of `vmdirac_py.worker.options.Options`, with the same defaults; the worker says what each means."""

    accounts: str = "vmdirac_payload"
    create_accounts: bool = True
    processes: Count = 4096
    memory_factor: Amount = 1.0
    disk_mb: Count = 0
    stream_mb: Count = 1000
    credential_seconds: Seconds = 600.0
    runtime: str = ""
    image: str = ""
    user_images: tuple[str, ...] = ()
    binds: tuple[str, ...] = ("/cvmfs",)
    environment: tuple[str, ...] = ()
    nested: bool = False


def wrong_option(given: Mapping[str, Any]) -> str:
    """Return what is wrong with these options, empty when nothing is."""
    try:
        msgspec.convert(dict(given), InnerCeOptions)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def has_containers(pool: Pool) -> bool:
    """Tell whether a pool runs payloads in containers."""
    return pool.inner_ce.endswith("Singularity")


def allows_image(pool: Pool, image: str) -> bool:
    """Tell whether a job may ask this pool for this container image; no wish is always allowed."""
    patterns = pool.inner_ce_options.get("user_images", ())
    return not image or (has_containers(pool) and any(fnmatchcase(image, pattern) for pattern in patterns))


def unwise(pool: Pool, endpoint: Endpoint) -> Iterator[str]:
    """Yield what of a pool's inner CE is allowed but unwise."""
    if endpoint.kind != _LOCAL and pool.inner_ce in UNPROTECTED:
        yield f"pool {pool.name}: nothing stands between payload and pilot (pool_inner_ce {pool.inner_ce})"
    if has_containers(pool) and not pool.inner_ce_options.get("image"):
        yield f"pool {pool.name}: jobs that name no container image fail (no image in pool_inner_ce_options)"
