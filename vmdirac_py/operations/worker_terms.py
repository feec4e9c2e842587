"""What a worker is told of its pool: when to stop by itself."""

from __future__ import annotations

from typing import Any

from vmdirac_py.model.inventory import Pool


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
