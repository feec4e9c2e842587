"""The endpoint's options: `state`, the directory of the cloud's server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vmdirac_py.model.inventory import Endpoint, Pool

NO_CONTEXT = "VMs of the embedded cloud are processes of its host and take no roles; leave the contexts out"
KEYS = frozenset({"state"})


def state_of(endpoint: Endpoint, home: Path) -> Path:
    """Return the state directory; a relative one lies in the installation's home."""
    return home / Path(endpoint.options["state"]).expanduser()


def problems(endpoint: Endpoint, pools: Sequence[Pool]) -> list[str]:
    """Return what is wrong with the endpoint's and its pools' options, naming the key."""
    found = [f"endpoint_options.{key}: unknown" for key in sorted(endpoint.options.keys() - KEYS)]
    found += _state_problems(endpoint.options.get("state"))
    for pool in pools:
        found += [f"pool_options.{key} of {pool.name}: unknown" for key in sorted(pool.options)]
        if pool.context:
            found.append(f"pool_context of {pool.name}: {NO_CONTEXT}")
        if pool.resources.cores < 1:
            found.append(f"pool_cores of {pool.name}: must be at least 1")
    return found


def _state_problems(state: object) -> list[str]:
    if not isinstance(state, str) or not state:
        return ["endpoint_options.state: must name the directory of the embedded cloud's server"]
    return []


def warnings(endpoint: Endpoint) -> list[str]:
    """Return nothing: the socket's file rights are the gate."""
    del endpoint
    return []
