"""What operators wrote down: VOs, endpoints and the pools that join them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .resources import Resources
from .value import Amount, Count, Seconds, Value

INNER_CES = ("InProcess", "Sudo", "Singularity", "Pool", "Pool/InProcess", "Pool/Sudo", "Pool/Singularity")
"""What a worker can run payloads in, as DIRAC's `LocalCE` names it."""
IGNORE_DRIFT, DRAIN_DRIFTED = "ignore", "drain"
"""What becomes of VMs that were made from another image or profile than their pool names now."""

NO_JOBS, NO_CPU, FAILED_MATCHES, MAX_LIFE = "no_jobs", "no_cpu", "failed_matches", "max_life"
SOFT_END, BILLING_BOUNDARY, NEVER = "soft_end", "billing_boundary", "never"
STOP_POLICIES = (NO_JOBS, NO_CPU, FAILED_MATCHES, MAX_LIFE, SOFT_END, BILLING_BOUNDARY, NEVER)
"""When a VM stops by itself; the worker (`worker/policy.py`) knows what each means."""

Context = Mapping[str, Mapping[str, Any]]
"""What a VM is made of its image: by role, its options."""

ELASTIC, STATIC, WARM, MANUAL = "elastic", "static", "warm", "manual"
POOL_MODES = (ELASTIC, STATIC, WARM, MANUAL)
"""When a pool launches: for waiting jobs, always up to its maximum, with empty VMs to spare, or only by hand."""


class Vo(Value, frozen=True):
    """A community, the DIRAC groups that belong to it, and its limits (None: no limit).

    `group_max_*` limit what the jobs of one DIRAC group may claim at once. `share` is its weight where it competes
    with other VOs. `budget` is the money, in the currency of the pools' prices, for `budget_days` days; from
    `budget_warn` of it (0 to 1) on there are warnings, and with `budget_drain` its VMs are drained when all is spent.
    No job is held back for longer than `max_hold` seconds for cores that free soon or others to share a VM with.
    `inner_ce_options` hold for all its pools, unless a pool says otherwise (`InnerCeOptions`).
    """

    name: str
    groups: tuple[str, ...] = ()
    max_vms: Count | None = None
    max_cores: Count | None = None
    group_max_vms: Mapping[str, Count] = {}
    group_max_cores: Mapping[str, Count] = {}
    share: Amount = 1.0
    budget: Amount | None = None
    budget_days: Seconds = 30.0
    budget_warn: Amount = 0.8
    budget_drain: bool = False
    max_hold: Seconds = 900.0
    context: Mapping[str, Mapping[str, Any]] = {}
    inner_ce_options: Mapping[str, Any] = {}


class Endpoint(Value, frozen=True):
    """One tenant of one cloud.

    `client_timeout` and `listing_lag` (seconds) bound how long a lost answer stays `Unknown`;
    `ramp` is the most VMs asked for in one batch; `max_drains` the most the planner lets drain within a minute (None: a
    fifth of its VMs, 5 at least); `options` belongs to the driver. `reserve_cores` of the cloud's quota are left to
    whoever else uses it. After `share_half_life` seconds a VO's use counts half against its share. VMs fetch worker and
    roles from `bundle_url`, if set, and not from the manager.
    """

    name: str
    kind: str
    site: str
    max_vms: Count | None = None
    max_cores: Count | None = None
    ramp: Count = 100
    reserve_cores: Count = 0
    share_half_life: Seconds = 86400.0
    listing_seconds: Seconds = 30.0
    client_timeout: Seconds = 60.0
    listing_lag: Seconds = 60.0
    max_drains: Count | None = None
    options: Mapping[str, Any] = {}
    context: Mapping[str, Mapping[str, Any]] = {}
    bundle_url: str = ""


class Pool(Value, frozen=True):
    """One VO on one endpoint with one flavor and image: the unit that is scaled. Times in seconds.

    `boot_seconds` is the expected time from create call to first payload; `boot_deadline` when it is given up;
    `gate_seconds` how long a VM that enrolled may find itself unfit before it gives up;
    `idle_seconds` how long an empty VM lives on; `min_life` before which it is not ended as idle or replaced,
    `max_life` its whole life; `drain_seconds` how long a drain may take. `price` is per hour. `benchmark` is the CPU
    power of one core relative to the norm by which jobs ask for CPU time. `mode` is one of POOL_MODES; outside of its
    campaign (epoch seconds, None: no bound) a pool launches nothing. `options` belongs to the driver. `kill_busy` lets
    deadlines end VMs with running payloads. Its VMs stop by themselves by any of their `stop_policies`: after
    `quiet_seconds` on which fewer than `quiet_cpu` cores were used, `failed_matches` in a row, or once `soft_life` is
    over; what is paid for counts in `billing_seconds`. `kill_quiet` ends payloads that use no CPU for `quiet_seconds`.
    `hs06` is the HEP-SPEC06 of one VM (0: not known), told to payloads.
    `context` is what its VMs are made of their image, with what endpoint and VO add; `profile` names the revision of
    that; `drift` says what becomes of VMs of another one. A pool that would cost `replace_saving` less (a share) takes
    over from this one.
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
    price: Amount = 0.0
    priority: int = 0
    benchmark: Amount = 1.0
    mode: str = ELASTIC
    campaign_start: Seconds | None = None
    campaign_end: Seconds | None = None
    min_vms: Count = 0
    max_vms: Count | None = None
    max_cores: Count | None = None
    boot_seconds: Seconds = 300.0
    boot_deadline: Seconds = 1800.0
    gate_seconds: Seconds = 300.0
    heartbeat_seconds: Seconds = 60.0
    stalled_after: Seconds = 600.0
    idle_seconds: Seconds = 600.0
    min_life: Seconds = 0.0
    max_life: Seconds = 14 * 86400.0
    drain_seconds: Seconds = 86400.0
    inner_ce: str = "Pool/InProcess"
    inner_ce_options: Mapping[str, Any] = {}
    kill_busy: bool = False
    stop_policies: tuple[str, ...] = (NO_JOBS, MAX_LIFE)
    quiet_seconds: Seconds = 1800.0
    quiet_cpu: Amount = 0.05
    kill_quiet: bool = False
    failed_matches: Count = 10
    soft_life: Amount | None = None
    billing_seconds: Seconds = 3600.0
    hs06: Amount = 0.0
    profile: str = ""
    drift: str = IGNORE_DRIFT
    replace_saving: Amount = 0.2
    options: Mapping[str, Any] = {}
    context: Mapping[str, Mapping[str, Any]] = {}


class Inventory(Value, frozen=True):
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
