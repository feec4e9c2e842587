"""Endpoints: what the ledger knows of each, and whether it would work, asked of the cloud itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.clouds.api import CloudEndpoint, CloudError, Finding, WithInspection
from vmdirac_py.clouds.registry import warnings_of
from vmdirac_py.ledger.api import Listing, Transaction
from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.lifecycle.states import occupies
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.model.plan import EndpointView

from . import bundles, memory, strangers
from .api import Context
from .canary_flight import refused
from .listings import LIVE, endpoint_views

NEVER = Listing("", 0.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class EndpointState:
    """An endpoint as the ledger knows it. Times are epoch seconds (0.0: never), None means no limit, or not told.

    `state`: `open`, `blocked` (refused lately: nothing is asked for until `blocked_until`), `probing` (at most
    `allowance` VMs at once until successes show that all is well), `blind` (the ledger does not know what lives there,
    and ends nothing) or `unlisted` (its last listing failed, or there was none).
    """

    name: str
    kind: str
    site: str
    pools: tuple[str, ...]
    state: str
    vms: int
    max_vms: int | None
    max_cores: int | None
    cloud: EndpointView
    listing: Listing
    blocked_until: float
    blocked_by: ErrorClass | None
    allowance: int | None
    warnings: tuple[str, ...]


def overview(ctx: Context) -> list[EndpointState]:
    """Return every endpoint of the active inventory, by name; no cloud is asked."""
    inventory, at = ctx.inventory(), ctx.clock.now()
    with ctx.ledger.read() as tx:
        listings, views = tx.observations.listings(), endpoint_views(tx, inventory)
        return [
            _state_of(tx, inventory, view, listings.get(view.name, NEVER), memory.budget_now(tx, view.name), at)
            for view in views
        ]


def _state_of(
    tx: Transaction, inventory: Inventory, view: EndpointView, listing: Listing, budget: Budget, at: float
) -> EndpointState:
    endpoint = inventory.endpoints[view.name]
    blocked = at < budget.not_before
    return EndpointState(
        name=endpoint.name,
        kind=endpoint.kind,
        site=endpoint.site,
        pools=tuple(pool.name for pool in pools_of(inventory, endpoint.name)),
        state=_word(budget, blocked=blocked, blind=strangers.blind(tx, endpoint.name), listing=listing),
        vms=sum(1 for vm in tx.vms.in_states(LIVE, endpoint=endpoint.name) if occupies(vm)),
        max_vms=endpoint.max_vms,
        max_cores=endpoint.max_cores,
        cloud=view,
        listing=listing,
        blocked_until=budget.not_before if blocked else 0.0,
        blocked_by=budget.error_class if blocked else None,
        allowance=budget.allowance,
        warnings=tuple(warnings_of(endpoint)),
    )


def _word(budget: Budget, *, blocked: bool, blind: bool, listing: Listing) -> str:
    """Return the first word that fits: what stops most comes first."""
    words = {
        "blind": blind,
        "blocked": blocked,
        "unlisted": bool(listing.error) or not listing.complete_at,
        "probing": budget.allowance is not None,
    }
    return next((word for word, fits in words.items() if fits), "open")


def pools_of(inventory: Inventory, endpoint: str) -> list[Pool]:
    """Return the pools of an endpoint, by name."""
    return [pool for _, pool in sorted(inventory.pools.items()) if pool.endpoint == endpoint]


def described(inventory: Inventory, name: str) -> Endpoint:
    """Return an endpoint of an inventory. Raises UnknownThing."""
    endpoint = inventory.endpoints.get(name)
    if endpoint is None:
        raise UnknownThing("no such endpoint", where=name, mend="see `vmdirac endpoint list`")
    return endpoint


def check(ctx: Context, name: str) -> list[Finding]:
    """Ask a cloud whether its endpoint and pools would work; nothing is started or changed.

    Raises:
        UnknownThing: no such endpoint.
    """
    inventory = ctx.inventory()
    endpoint, pools = described(inventory, name), pools_of(inventory, name)
    findings = [Finding("options", ok=True, text=f"unwise: {warning}") for warning in warnings_of(endpoint)]
    findings += bundles.looked_at(endpoint, ctx.bundle)
    try:
        driver = ctx.endpoint(name)
    except CloudError as error:
        return [*findings, refused("login", error)]
    return [*findings, *_inspected(driver, pools)]


def _inspected(driver: CloudEndpoint, pools: Sequence[Pool]) -> Sequence[Finding]:
    """Let the driver look, or find out what a listing and the limits tell where it does not know how to."""
    if hasattr(driver, "inspect"):
        return cast("WithInspection", driver).inspect(pools)
    return [_listing(driver), _quota(driver)]


def _listing(driver: CloudEndpoint) -> Finding:
    try:
        count = len(driver.instances())
    except CloudError as error:
        return refused("login", error)
    return Finding("login", ok=True, text=f"{count} instances of ours are listed")


def _quota(driver: CloudEndpoint) -> Finding:
    try:
        limits = driver.limits()
    except CloudError as error:
        return refused("quota", error)
    return quota(limits.used_vms, limits.max_vms)


def quota(used: int | None, most: int | None) -> Finding:
    """Return whether a tenant has room for another VM."""
    full = used is not None and most is not None and used >= most
    text = f"{_told(used)} VMs are used of {_told(most)}"
    return Finding("quota", ok=not full, text=text, mend="end some VMs, or ask for a larger quota" if full else "")


def _told(count: int | None) -> str:
    return "an untold number" if count is None else str(count)
