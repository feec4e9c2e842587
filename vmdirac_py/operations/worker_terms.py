"""What a worker is told of its pool: when to stop by itself, and where its cloud tells of its end."""

from __future__ import annotations

from typing import Any

from vmdirac_py.model.inventory import Pool

METADATA = "http://169.254.169.254"
TELLING = frozenset({"ec2"})
"""Kinds of endpoint whose spot instances find the notice of their end in their metadata."""


def notice_at(pool: Pool, kind: str) -> str:
    """Return whose metadata tell a VM on an endpoint of a kind when its cloud takes it back; empty: nobody's."""
    return METADATA if kind in TELLING and pool.options.get("spot") else ""


def stop_policies(pool: Pool) -> dict[str, Any]:
    """Return when the VMs of a pool stop by themselves (`vmdirac_py.worker.policy.Terms`)."""
    return {
        "policies": list(pool.stop_policies),
        "quiet_seconds": pool.quiet_seconds,
        "quiet_cpu": pool.quiet_cpu,
        "kill_quiet": pool.kill_quiet,
        "failed_matches": pool.failed_matches,
        "soft_life": pool.soft_life,
        "billing_seconds": pool.billing_seconds,
    }
