"""CVMFS without a proxy: refused where a pool may grow. Each VM would load the repositories' servers by itself."""

from __future__ import annotations

from collections.abc import Iterator

from vmdirac_py.model.inventory import Endpoint, Pool, Vo

from .mismatches import Mismatch

MOST_DIRECT = 20
"""VMs that may go without a proxy."""
DIRECT = "DIRECT"


def of_pool(made: Pool, endpoint: Endpoint, vo: Vo) -> Iterator[Mismatch]:
    """Yield the complaint, if `cvmfs_http_proxy` has no proxy and the limits allow more than `MOST_DIRECT` VMs."""
    groups = made.context.get("cvmfs", {}).get("http_proxy", ())
    proxies = {one.strip() for group in groups for one in group.replace(";", "|").split("|")}
    most = _most_vms(made, endpoint, vo)
    if proxies == {DIRECT} and (most is None or most > MOST_DIRECT):
        what = f"DIRECT alone, in a pool that may grow to {'any number of' if most is None else most} VMs"
        yield "pool_context.cvmfs.http_proxy", what, f"name the site's proxy, or limit the pool to {MOST_DIRECT} VMs"


def _most_vms(made: Pool, endpoint: Endpoint, vo: Vo) -> int | None:
    limited = (made, endpoint, vo)
    vms = [one.max_vms for one in limited if one.max_vms is not None]
    cores = [one.max_cores // made.resources.cores for one in limited if one.max_cores is not None]
    return min([*vms, *cores], default=None)
