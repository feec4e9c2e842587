"""Whether this machine's image was baked for just its context: then the boot has no role to run, nor to fetch.

A bake leaves a record with the context's revision and the roles' hash. Roles that have something to do on each machine
(measure its disk, look at revocation lists, start a container) always run.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Callable, Dict

RECORD = "/etc/vmdirac/baked.json"
WORKER = "/usr/local/lib/vmdirac/worker.pyz"

# Role: the variables that ask for what only the machine itself can have.
BAKEABLE = {"profile": ("profile_swap_mb", "profile_scratch_mount", "profile_gpus"), "worker": ()}

Where = Callable[[str], Path]


def complete(path: Where, context: Dict[str, Any], roles_sha256: str) -> bool:
    """Tell whether all that the context asks for is in the image. Raises OSError, ValueError for a broken record.

    Args:
        path: where a path lies.
        context: the roles' variables.
        roles_sha256: the hash of the roles this boot would run.
    """
    record = path(RECORD)
    if not record.exists() or not all(_bakeable(role, context) for role in context["context_roles"]):
        return False
    found = json.loads(record.read_text(encoding="utf-8"))
    baked = (found.get("revision"), found.get("roles_sha256"), _sha256(path(WORKER)))
    return baked == (context["context_revision"], roles_sha256, context["worker_sha256"])


def _bakeable(role: str, context: Dict[str, Any]) -> bool:
    return role in BAKEABLE and not any(context.get(name) for name in BAKEABLE[role])


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""
