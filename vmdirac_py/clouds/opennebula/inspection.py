"""What of an endpoint and its pools would not work, looked at before anything is launched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from vmdirac_py.clouds.api import BadRequest, CloudError, CloudLimits, Finding, Instance
from vmdirac_py.clouds.closest import closest
from vmdirac_py.model.inventory import Pool

from .catalogue import Catalogue, chosen
from .deadline import Deadline
from .options import pool_options
from .reading import Template

REACHING = "the VM must reach the manager"


class Looked(Protocol):
    """What of the driver is looked at."""

    name: str

    def limits(self) -> CloudLimits:
        """Return limits and use."""

    def instances(self) -> tuple[Instance, ...]:
        """Return ours."""


def findings(endpoint: Looked, catalogue: Catalogue, pools: Sequence[Pool], seconds: float) -> list[Finding]:
    """Return a finding for each thing, the login first; where there is none there is nothing else to look at."""
    try:
        limits = endpoint.limits()
    except CloudError as error:
        return [Finding("login", ok=False, text=error.what, mend=error.mend)]
    found = [
        Finding("login", ok=True, text="the front end answers, and knows the user"),
        _quota(limits),
        _finding("marks", lambda: f"{len(endpoint.instances())} instances of this installation"),
    ]
    for pool in pools:
        found += _of_pool(endpoint, catalogue, pool, seconds)
    return found


def _finding(about: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(about, ok=True, text=look())
    except CloudError as error:
        return Finding(about, ok=False, text=error.what, mend=error.mend)


def _quota(limits: CloudLimits) -> Finding:
    full = _used_up(limits.used_vms, limits.max_vms) or _used_up(limits.used_cores, limits.max_cores)
    vms = f"{limits.used_vms} of {_limit(limits.max_vms)} VMs"
    text = f"{vms} and {limits.used_cores} of {_limit(limits.max_cores)} CPUs are used"
    return Finding("quota", ok=not full, text=text, mend="end some VMs, or ask for a larger quota" if full else "")


def _used_up(used: int | None, limit: int | None) -> bool:
    return limit is not None and (used or 0) >= limit


def _limit(value: int | None) -> str:
    return "unlimited" if value is None else str(value)


def _of_pool(endpoint: Looked, catalogue: Catalogue, pool: Pool, seconds: float) -> Iterator[Finding]:
    """Look at a pool; without its template there is nothing else to look at."""
    deadline = Deadline(seconds)
    try:
        template = chosen(pool, catalogue.templates(deadline), endpoint.name)
    except CloudError as error:
        yield Finding(f"template of {pool.name}", ok=False, text=error.what, mend=error.mend)
        return
    yield Finding(f"template of {pool.name}", ok=True, text=f"{template.name} ({template.number})")
    yield _finding(f"image of {pool.name}", lambda: _image(catalogue, pool, template, deadline))
    yield _finding(f"network of {pool.name}", lambda: _network(catalogue, template, deadline))
    yield _finding(f"sizes of {pool.name}", lambda: _sizes(pool, template))


def _image(catalogue: Catalogue, pool: Pool, template: Template, deadline: Deadline) -> str:
    catalogue.check_image(pool, template, deadline)
    return pool.image


def _network(catalogue: Catalogue, template: Template, deadline: Deadline) -> str:
    """Return the networks of a template. Raises CloudError: there is none, or the VM would not use it."""
    if not template.nics:
        raise BadRequest("the template has no NIC", mend=f"add one: {REACHING}")
    known = catalogue.networks(deadline)
    wanted = {nic.get("NETWORK_ID") or nic.get("NETWORK", "") for nic in template.nics} - {""}
    missing = sorted(wanted - known.keys() - set(known.values()))
    if missing:
        raise BadRequest(f"no network {missing[0]!r}", mend=closest(missing[0], known.values()))
    if template.context.get("NETWORK", "").upper() != "YES":
        raise BadRequest("CONTEXT lacks NETWORK=YES", mend=f"add it to the template: {REACHING}")
    return ", ".join(sorted(wanted)) or "chosen by the scheduler"


def _sizes(pool: Pool, template: Template) -> str:
    """Return a VM's sizes. Raises CloudError: they are less than the pool's."""
    wanted = pool.resources
    if pool_options(pool).resize:
        return f"set to {wanted.cores} cores, {wanted.ram_mb} MB"
    text = f"the template has {template.cores:g} cores, {template.ram_mb:g} MB"
    if template.cores < wanted.cores or template.ram_mb < wanted.ram_mb:
        raise BadRequest(text, mend="lower pool_cores and pool_ram_mb to that, or give pool_options.resize: true")
    return text
