"""When a boot has no role to run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.worker.baked import RECORD, WORKER, complete

ROLES = "r" * 64
BUNDLE = b"worker"
CONTEXT: dict[str, Any] = {
    "context_roles": ["profile", "worker"],
    "context_revision": "abc",
    "worker_sha256": hashlib.sha256(BUNDLE).hexdigest(),
    "profile_packages": ["gcc"],
}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image that was baked with the context."""
    for name, content in ((RECORD, json.dumps({"revision": "abc", "roles_sha256": ROLES}).encode()), (WORKER, BUNDLE)):
        file = tmp_path / name.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    return tmp_path


def _complete(image: Path, roles: str = ROLES, **changes: Any) -> bool:
    return complete(lambda path: image / path.lstrip("/"), {**CONTEXT, **changes}, roles)


def test_an_image_that_was_baked_with_the_context_is_complete(image: Path) -> None:
    """The same revision, roles and worker leave nothing to do."""
    assert _complete(image)


def test_a_bare_image_is_not(tmp_path: Path) -> None:
    """Without a record everything is to be done."""
    assert not _complete(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"context_revision": "abd"},
        {"roles": "s" * 64},
        {"worker_sha256": "0" * 64},
        {"context_roles": ["profile", "cvmfs", "worker"]},
        {"profile_swap_mb": 1024},
        {"profile_scratch_mount": "/scratch"},
        {"profile_gpus": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_differs_or_is_the_machines_own_makes_the_roles_run(image: Path, changes: dict[str, Any]) -> None:
    """Another context, other roles, another worker, or something only the machine can have."""
    assert not _complete(image, **changes)


def test_a_bake_without_the_worker_is_not_complete(image: Path) -> None:
    """The service would start nothing."""
    (image / WORKER.lstrip("/")).unlink()
    assert not _complete(image)
