"""Every key an inventory may set: one table, made from the fields of the model and the meanings written here.

The loader, `vmdirac inventory keys` and the docs all read `KEYS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from vmdirac_py.model.inventory import DRAIN_DRIFTED, IGNORE_DRIFT, INNER_CES, POOL_MODES, Endpoint, Pool, Vo
from vmdirac_py.model.resources import Resources

from .values import MOMENT, TYPES, Type, Unfit, show


@dataclass(frozen=True, slots=True)
class About:
    """What a key means, the least and most its number may be, or the words it may be; `type` if not the field's own."""

    meaning: str
    least: float = 0.0
    most: float = inf
    required: bool = False
    one_of: tuple[str, ...] = ()
    type: Type | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `thing` is `endpoint`, `vo` or `pool`; `default` is the model's (None for required ones)."""

    name: str
    thing: str
    field: str
    type: Type
    default: Any
    about: About

    @property
    def required(self) -> bool:
        """Tell whether it must be set."""
        return self.about.required

    def read(self, value: Any) -> Any:
        """Return `value` as the model wants it.

        Raises:
            Unfit: wrong type, or outside its bounds.
        """
        result = self.type.read(value)
        if isinstance(result, (int, float)) and not self.about.least <= result <= self.about.most:
            raise Unfit(f"must be {self._bounds()}, not {result:.12g}")
        if self.about.one_of and result not in self.about.one_of:
            raise Unfit(f"must be one of {', '.join(self.about.one_of)}, not {show(result)}")
        return result

    def _bounds(self) -> str:
        least, most = self.about.least, self.about.most
        return f"at least {least:g}" if most == inf else f"between {least:g} and {most:g}"


YEAR = 366 * 86400.0
MOST_CORES = 4096
MOST_VMS = 1_000_000

ENDPOINT = {
    "name": About("the endpoint's name; default: the group's name without `endpoint_`"),
    "kind": About("which driver speaks to it: `local`, `openstack` ...", required=True),
    "site": About("the DIRAC site its VMs belong to", required=True),
    "max_vms": About("most VMs on this endpoint, over all pools", most=MOST_VMS),
    "max_cores": About("most cores on this endpoint, over all pools"),
    "ramp": About("most VMs asked for in one batch", least=1, most=100_000),
    "reserve_cores": About("cores of the cloud's quota that are kept free for whoever else uses it"),
    "share_half_life": About(
        "after so many seconds what a VO used counts half against its `vo_share`", least=60, most=YEAR
    ),
    "listing_seconds": About("time between two listings of its instances, seconds", least=0.1, most=86400),
    "client_timeout": About("longest time one call to the cloud may take, seconds", least=0.1, most=86400),
    "listing_lag": About("how late a new instance may show up in a listing, seconds", most=86400),
    "max_drains": About(
        "most VMs the planner lets drain within a minute; default: a fifth of the endpoint's VMs, 5 at least",
        most=MOST_VMS,
    ),
    "context": About("what every VM of this endpoint is made of its image"),
    "bundle_url": About("web server with a copy of the installation's folder `static`; default: the manager"),
    "options": About("whatever the driver needs; secrets as `env:NAME`, `file:PATH` or `!vault`"),
}
VO = {
    "name": About("the VO's name; default: the group's name without `vo_`"),
    "groups": About("the DIRAC groups that belong to this VO"),
    "max_vms": About("most VMs of this VO, over all pools", most=MOST_VMS),
    "max_cores": About("most cores of this VO, over all pools"),
    "group_max_vms": About("by DIRAC group: most VMs that its jobs may claim"),
    "group_max_cores": About("by DIRAC group: most cores that its jobs may claim"),
    "share": About("its weight where VOs compete for one endpoint", least=0.001, most=1e6),
    "budget": About("most money for `vo_budget_days`, in the currency of `pool_price`"),
    "budget_days": About("how long a budget lasts before the next begins, days", least=0.01, most=3660),
    "budget_warn": About("the part of the budget from which on there are warnings", most=1),
    "budget_drain": About("whether VMs that cost are drained when the budget is spent"),
    "max_hold": About("longest time a job waits for cores that free soon rather than get a VM, seconds", most=86400),
    "inner_ce_options": About("options of the inner CEs of its pools, as docs/inner-ces.md lists them"),
    "context": About("what every VM of this VO is made of its image, added to `endpoint_context`"),
}
POOL = {
    "flavor": About("the cloud's name for the size of machine", required=True),
    "image": About("the cloud's name for the disk image", required=True),
    "cores": About("cores of one VM", least=1, most=MOST_CORES, required=True),
    "ram_mb": About("memory of one VM, MB; 0: none for jobs that ask for memory", most=1e9),
    "gpus": About("GPUs of one VM", most=1024),
    "disk_gb": About("disk of one VM, GB", most=1e9),
    "tags": About("tags its VMs offer; a job runs only where all its tags are offered"),
    "platform": About("the DIRAC platform its VMs offer"),
    "price": About("price of one VM per hour, in any one currency; cheaper pools are filled first"),
    "priority": About("pools of higher priority are filled first", least=-1e6, most=1e6),
    "benchmark": About("CPU power of one core, relative to the norm by which jobs ask", least=0.01, most=100),
    "mode": About(
        "when it launches: `elastic` for waiting jobs, `static` always `pool_max_vms`, `warm` so that `pool_min_vms` "
        "VMs are empty, `manual` only by hand",
        one_of=POOL_MODES,
    ),
    "campaign_start": About("nothing is launched before, such as `2026-11-01T00:00:00+01:00`", type=MOMENT),
    "campaign_end": About("nothing is launched from then on", type=MOMENT),
    "min_vms": About("VMs kept even when nothing waits", most=MOST_VMS),
    "max_vms": About("most VMs of this pool; 0 closes it", most=MOST_VMS),
    "max_cores": About("most cores of this pool"),
    "boot_seconds": About("expected time from create call to first payload, seconds", most=YEAR),
    "boot_deadline": About("when a VM that has not enrolled is given up, seconds", least=1, most=YEAR),
    "gate_seconds": About("how long a VM may find itself unfit for jobs before it ends, seconds", most=YEAR),
    "heartbeat_seconds": About("time between two signs of life of a VM, seconds", least=0.1, most=86400),
    "stalled_after": About("silence after which a VM counts as stalled, seconds", least=0.1, most=YEAR),
    "idle_seconds": About("how long an empty VM lives on, seconds", most=YEAR),
    "min_life": About("a VM is not ended as idle or replaced before, seconds", most=YEAR),
    "max_life": About("a VM's whole life, seconds", least=1, most=YEAR),
    "drain_seconds": About("how long a drain may take, seconds", most=YEAR),
    "inner_ce": About("how the worker runs payloads", one_of=INNER_CES),
    "inner_ce_options": About("options of the inner CE, as docs/inner-ces.md lists them, over the VO's"),
    "kill_busy": About("whether deadlines may end VMs with running payloads"),
    "stop_policies": About(
        "when a VM stops by itself, any of them: `no_jobs` (for `pool_idle_seconds`), `no_cpu`, `failed_matches`, "
        "`max_life`, `soft_end`, `billing_boundary` (the others only shortly before it), or `never` alone"
    ),
    "quiet_seconds": About(
        "how long the CPU must have been quiet for `no_cpu` and `pool_kill_quiet`, seconds", most=YEAR
    ),
    "quiet_cpu": About("fewer cores than this in use count as quiet", most=MOST_CORES),
    "kill_quiet": About("whether a payload that uses no CPU for `pool_quiet_seconds` is ended as failed"),
    "failed_matches": About("requests for a job in a row that brought nothing, for the policy of that name", least=1),
    "soft_life": About("from this age on, seconds, a VM with `soft_end` takes no more jobs; null: never"),
    "billing_seconds": About("what a VM is paid for at a time, seconds, for `billing_boundary`", least=60, most=YEAR),
    "hs06": About("HEP-SPEC06 of one VM, which its payloads are told; 0: not known"),
    "context": About("what its VMs are made of their image, added to `endpoint_context` and `vo_context`"),
    "profile": About(
        "a name for what is made of the image; VMs remember it, with the revision of context and roles behind it"
    ),
    "drift": About(
        "whether VMs of another image or profile than the pool's go, a tenth at a time",
        one_of=(IGNORE_DRIFT, DRAIN_DRIFTED),
    ),
    "replace_saving": About("the share another pool must save to take over from this one; 1: never", most=1.0),
    "options": About("whatever the driver needs for this pool"),
}


def _keys() -> Iterator[Key]:
    yield from _keys_of("endpoint", fields(Endpoint), ENDPOINT)
    yield from _keys_of("vo", fields(Vo), VO)
    yield from _keys_of("pool", (*fields(Resources), *fields(Pool)), POOL)


def _keys_of(thing: str, given: tuple[FieldInfo, ...], about: dict[str, About]) -> Iterator[Key]:
    by_name = {field.name: field for field in given}
    for name, entry in about.items():
        field = by_name[name]
        default = None if field.default is NODEFAULT or entry.required else field.default
        yield Key(f"{thing}_{name}", thing, name, entry.type or TYPES[field.type], default, entry)


KEYS: dict[str, Key] = {key.name: key for key in _keys()}
