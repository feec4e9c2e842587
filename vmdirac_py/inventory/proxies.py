"""CVMFS without a proxy: refused where a pool may grow. Each VM would load the repositories' servers by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vmdirac_py.model.inventory import Endpoint, Pool, Vo

from .mismatches import Mismatch

MOST_DIRECT = 20
"""VMs that may go without a proxy."""
DIRECT = "DIRECT"
MEND = f"name the site's proxy, or `auto`, or limit the pool to {MOST_DIRECT} VMs"
PROXY = "CVMFS_HTTP_PROXY"


def of_pool(made: Pool, endpoint: Endpoint, vo: Vo) -> Iterator[Mismatch]:
    """Yield the complaint, where CVMFS is told no proxy and the limits allow more than `MOST_DIRECT` VMs."""
    most = _most_vms(made, endpoint, vo)
    if "cvmfs" not in made.context or (most is not None and most <= MOST_DIRECT):
        return
    for key, groups in _said(made.context["cvmfs"]):
        if {one.strip() for group in groups for one in group.replace(";", "|").split("|")} <= {DIRECT}:
            what = f"no proxy but DIRECT, in a pool that may grow to {'any number of' if most is None else most} VMs"
            yield f"pool_context.cvmfs.{key}", what, MEND


def _said(options: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield where proxies are named, and which: for all repositories (by default none), and for single ones."""
    yield "http_proxy", options.get("http_proxy", ())
    for repository, own in options.get("repository_parameters", {}).items():
        if PROXY in own:
            yield f"repository_parameters.{repository}", (str(own[PROXY]),)


def _most_vms(made: Pool, endpoint: Endpoint, vo: Vo) -> int | None:
    limited = (made, endpoint, vo)
    vms = [one.max_vms for one in limited if one.max_vms is not None]
    cores = [one.max_cores // made.resources.cores for one in limited if one.max_cores is not None]
    return min([*vms, *cores], default=None)
