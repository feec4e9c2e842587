"""Values that are each sound and do not go together: what is wrong, where, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vmdirac_py.model.inner_ce import wrong_option
from vmdirac_py.model.inventory import MANUAL, NEVER, SOFT_END, STATIC, STOP_POLICIES, WARM, Endpoint, Pool, Vo

WEB = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
Mismatch = tuple[str, str, str]
"""The key, what is wrong with it, and how to mend it."""


def of_pool(made: Pool) -> Iterator[Mismatch]:
    """Yield what does not go together in a pool."""
    yield from _numbers(made)
    yield from _times(made)
    yield from _mode(made)
    yield from _stops(made)
    yield from _options("pool_inner_ce_options", made.inner_ce_options)
    if made.campaign_start is not None and made.campaign_end is not None and made.campaign_start >= made.campaign_end:
        yield "pool_campaign_end", "the campaign ends before it starts", "let it be later than pool_campaign_start"


def of_endpoint(made: Endpoint) -> Iterator[Mismatch]:
    """Yield what does not go together in an endpoint."""
    if made.bundle_url and not WEB.fullmatch(made.bundle_url):
        yield "endpoint_bundle_url", f"not a web address: {made.bundle_url[:80]}", "write http://HOST/FOLDER"


def of_vo(made: Vo) -> Iterator[Mismatch]:
    """Yield what does not go together in a VO."""
    yield from _options("vo_inner_ce_options", made.inner_ce_options)
    for key, limits in (("vo_group_max_vms", made.group_max_vms), ("vo_group_max_cores", made.group_max_cores)):
        for group in sorted(limits.keys() - set(made.groups)):
            yield key, f"DIRAC group {group} is not one of this VO", "name it in vo_groups, or remove it here"


def _options(key: str, given: Mapping[str, Any]) -> Iterator[Mismatch]:
    if wrong := wrong_option(given):
        yield key, wrong, "see docs/inner-ces.md"


def _numbers(made: Pool) -> Iterator[Mismatch]:
    if made.max_vms is not None and made.min_vms > made.max_vms:
        yield "pool_min_vms", f"min {made.min_vms} is more than max {made.max_vms}", "lower it or raise pool_max_vms"


def _times(made: Pool) -> Iterator[Mismatch]:
    if made.boot_seconds > made.boot_deadline:
        what = f"expected {made.boot_seconds:g} s, but given up after {made.boot_deadline:g} s"
        yield "pool_boot_seconds", what, "raise pool_boot_deadline"
    if made.max_life <= made.boot_deadline:
        what = f"lives {made.max_life:g} s, of which {made.boot_deadline:g} s may pass before it serves a job"
        yield "pool_max_life", what, "let it be much more than pool_boot_deadline"
    if made.min_life > made.max_life:
        what = f"lives at least {made.min_life:g} s and at most {made.max_life:g} s"
        yield "pool_min_life", what, "let it be at most pool_max_life"
    if made.heartbeat_seconds >= made.stalled_after:
        what = f"beats every {made.heartbeat_seconds:g} s, but stalled after {made.stalled_after:g} s of silence"
        yield "pool_heartbeat_seconds", what, "let pool_stalled_after be several heartbeats"


def _mode(made: Pool) -> Iterator[Mismatch]:
    if made.mode == STATIC and made.max_vms is None:
        yield "pool_mode", "a static pool needs its number of VMs", "set pool_max_vms"
    if made.mode == WARM and not made.min_vms:
        yield "pool_mode", "a warm pool needs the number of its empty VMs", "set pool_min_vms"
    if made.mode == MANUAL and made.min_vms:
        yield "pool_min_vms", "nothing keeps up the VMs of a manual pool", "remove it, or choose another pool_mode"


def _stops(made: Pool) -> Iterator[Mismatch]:
    key, chosen = "pool_stop_policies", set(made.stop_policies)
    for name in sorted(chosen - set(STOP_POLICIES)):
        yield key, f"there is no stop policy {name[:40]!r}", "any of " + ", ".join(STOP_POLICIES)
    if not chosen:
        yield key, "names no policy", f"write [{NEVER}] for VMs that stop only when they are told to"
    if NEVER in chosen and len(chosen) > 1:
        yield key, f"{NEVER} does not go with other policies", f"remove {NEVER}, or the others"
    if SOFT_END in chosen and made.soft_life is None:
        yield key, f"{SOFT_END} needs to know when", "set pool_soft_life"
