"""A pool's context as variables of the roles: the same for a VM's boot, for an image and for a look by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vmdirac_py.inventory.roles import ROLES
from vmdirac_py.model.inventory import Pool


@dataclass(frozen=True, slots=True)
class Bundle:
    """What VMs fetch: worker and roles by the SHA-256 they are served under, and the script that fetches them."""

    sha256: str
    boot_script: str
    roles_sha256: str = ""


WORKER = "worker"
WORKER_FILE = "/var/lib/vmdirac/worker.pyz"
"""Where `worker/boot.py` puts the bundle."""


def variables(pool: Pool, bundle: Bundle, worker_file: str = WORKER_FILE) -> dict[str, Any]:
    """Return what `playbooks/contextualise.yml` is given. The worker belongs to every VM, named or not."""
    wanted = {WORKER, *pool.context}
    return {
        "context_roles": [role for role in ROLES if role in wanted],
        "context_revision": pool.profile,
        "context_roles_sha256": bundle.roles_sha256,
        "worker_sha256": bundle.sha256,
        "worker_file": worker_file,
        **{f"{role}_{name}": _as_it_is(value) for role in pool.context for name, value in pool.context[role].items()},
    }


def _as_it_is(value: Any) -> Any:
    """Return the value so that Ansible takes no text in it for a template: the inventory's were made already."""
    if isinstance(value, Mapping):
        return {key: _as_it_is(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_as_it_is(entry) for entry in value]
    return {"__ansible_unsafe": value} if isinstance(value, str) and "{" in value else value
