"""What operators wrote down: VOs, endpoints and the pools that join them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .resources import Resources

INNER_CES = ("InProcess", "Pool", "Pool/InProcess")
"""What a worker can run payloads in, as DIRAC's `LocalCE` names it."""
IGNORE_DRIFT, DRAIN_DRIFTED = "ignore", "drain"
"""What becomes of VMs that were made from another image or profile than their pool names now."""


@dataclass(frozen=True, slots=True)
class Vo:
    """A community, the DIRAC groups that belong to it, and its limits (None: no limit)."""

    name: str
    groups: tuple[str, ...] = ()
    max_vms: int | None = None
    max_cores: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One tenant of one cloud.

    `client_timeout` and `listing_lag` (seconds) bound how long a lost answer stays `Unknown`;
    `ramp` is the most VMs asked for in one batch; `max_drains` the most the planner lets drain within a minute (None: a
    fifth of its VMs, 5 at least); `options` belongs to the driver.
    """

    name: str
    kind: str
    site: str
    max_vms: int | None = None
    max_cores: int | None = None
    ramp: int = 100
    listing_seconds: float = 30.0
    client_timeout: float = 60.0
    listing_lag: float = 60.0
    max_drains: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pool:
    """One VO on one endpoint with one flavor and image: the unit that is scaled. Times in seconds.

    `boot_seconds` is the expected time from create call to first payload; `boot_deadline` when it is given up;
    `idle_seconds` how long an empty VM lives on; `max_life` its whole life; `drain_seconds` how long a drain may take.
    `price` is per hour. `options` belongs to the driver. `kill_busy` lets deadlines end VMs with running payloads.
    `profile` names the revision of what is made of the image; `drift` says what becomes of VMs of another one. A pool
    that would cost `replace_saving` less (a share) takes over from this one. Its campaign lasts from `campaign_start`
    to `campaign_end` (epoch, None: no bound). Before `min_life` a VM is not ended as idle or replaced.
    """

    name: str
    endpoint: str
    vo: str
    site: str
    flavor: str
    image: str
    resources: Resources
    tags: tuple[str, ...] = ()
    platform: str = ""
    price: float = 0.0
    priority: int = 0
    min_vms: int = 0
    max_vms: int | None = None
    max_cores: int | None = None
    boot_seconds: float = 300.0
    boot_deadline: float = 1800.0
    heartbeat_seconds: float = 60.0
    stalled_after: float = 600.0
    idle_seconds: float = 600.0
    max_life: float = 14 * 86400.0
    drain_seconds: float = 86400.0
    inner_ce: str = "Pool/InProcess"
    kill_busy: bool = False
    profile: str = ""
    drift: str = IGNORE_DRIFT
    replace_saving: float = 0.2
    campaign_start: float | None = None
    campaign_end: float | None = None
    min_life: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """One revision of the whole inventory, keyed by name; `commit` is the git commit it came from, if any."""

    fingerprint: str
    vos: Mapping[str, Vo]
    endpoints: Mapping[str, Endpoint]
    pools: Mapping[str, Pool]
    source: str = ""
    commit: str = ""

    def vo_of_group(self, group: str) -> str | None:
        """Return the VO a DIRAC group belongs to, or None."""
        return next((vo.name for vo in self.vos.values() if group in vo.groups), None)
