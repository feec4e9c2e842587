"""The quotas of a user and its group, the tighter of which counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vmdirac_py.clouds.api import CloudLimits

from .reading import Unreadable, document, texts

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DEFAULT = -1
"""A quota that is this has the value of the defaults; any other negative one is no limit."""
VMS = (("VMS", "VMS_USED"), ("RUNNING_VMS", "RUNNING_VMS_USED"))
CORES = (("CPU", "CPU_USED"), ("RUNNING_CPU", "RUNNING_CPU_USED"))

Use = tuple[float | None, float]


def limits(user: object, group: object) -> CloudLimits:
    """Return what a USER and a GROUP document say of limits and use. Raises Unreadable."""
    holders = [
        _quota(document(user, "USER"), "DEFAULT_USER_QUOTAS"),
        _quota(document(group, "GROUP"), "DEFAULT_GROUP_QUOTAS"),
    ]
    vms = _tightest([use for holder in holders for use in _uses(holder, VMS)])
    cores = _tightest([use for holder in holders for use in _uses(holder, CORES)])
    return CloudLimits(_floor(vms[0]), _floor(cores[0]), math.ceil(vms[1]), math.ceil(cores[1]))


def _quota(holder: Element, defaults: str) -> dict[str, float]:
    """Return a holder's quota with the defaults in it, over all clusters."""
    own = _numbers(_overall(holder, "VM_QUOTA/VM"))
    default = _numbers(_overall(holder, f"{defaults}/VM_QUOTA/VM"))
    return default | {key: value for key, value in own.items() if value != DEFAULT}


def _overall(holder: Element, path: str) -> dict[str, str]:
    quotas = (texts(one) for one in holder.iterfind(path))
    return next((quota for quota in quotas if quota.get("CLUSTER_IDS", "-1") in {"", "-1"}), {})


def _numbers(quota: dict[str, str]) -> dict[str, float]:
    try:
        return {key: float(value) for key, value in quota.items() if key != "CLUSTER_IDS"}
    except ValueError as error:
        raise Unreadable("a quota that is no number") from error


def _uses(quota: dict[str, float], keys: tuple[tuple[str, str], ...]) -> list[Use]:
    found = ((quota.get(limit, DEFAULT), quota.get(used, 0.0)) for limit, used in keys)
    return [(limit if limit >= 0 else None, used) for limit, used in found]


def _tightest(uses: list[Use]) -> Use:
    """Return the limit that leaves least room; where there is none, the largest use."""
    limited = [(limit - used, limit, used) for limit, used in uses if limit is not None]
    if limited:
        _, limit, used = min(limited)
        return limit, used
    return None, max(used for _, used in uses)


def _floor(limit: float | None) -> int | None:
    return None if limit is None else math.floor(limit)
