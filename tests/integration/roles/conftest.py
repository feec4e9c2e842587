"""An image that is baked once for all tests here, and layers over it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.baking import bake
from tests.support.chroot import Machine
from tests.support.debs import repository
from tests.support.stand_ins import PACKAGES
from tests.testbeds.vm import Cannot, tree
from vmdirac_py.inventory.bundle import roles_archive

MIRROR = "/srv/mirror"
GOOD = "good.example.org"
VARIABLES: dict[str, Any] = {
    "context_roles": ["profile", "trust_anchors", "cvmfs", "apptainer", "worker", "pilot"],
    "context_revision": "5a5a5a5a5a5a",
    "profile_mirrors": [{"name": "own", "url": f"file:{MIRROR}", "suite": "./", "trusted": True}],
    "profile_packages": ["vo-tools"],
    "profile_users": [{"name": "jane", "keys": ["ssh-ed25519 AAAA jane"]}],
    "profile_files": [{"path": "/etc/vo/settings", "content": "x=1\n", "mode": "0640"}],
    "profile_commands": [{"argv": ["touch", "/etc/vo/done"], "creates": "/etc/vo/done"}],
    "cvmfs_repositories": [GOOD],
    "cvmfs_http_proxy": ["http://a.example.org:3128|http://b.example.org:3128", "DIRECT"],
    "cvmfs_quota_mb": 9000,
    "cvmfs_parameters": {"CVMFS_TIMEOUT": 5},
    "cvmfs_repository_parameters": {GOOD: {"CVMFS_HTTP_PROXY": "DIRECT"}},
    "apptainer_version": "1.4.2",
    "trust_anchors_cvmfs": "/cvmfs/grid.example.org/etc/grid-security",
    "worker_payload_users": 3,
}


@dataclass(frozen=True, slots=True)
class Image:
    """What was baked: the layer over the tree, and what each run of the playbook did and said."""

    layer: Path
    tree: Path
    rehearsed: list[Path]
    """Files that a run with `--check` wrote."""
    runs: list[subprocess.CompletedProcess[str]] = field(default_factory=list)

    @property
    def machine(self) -> Machine:
        """Return it as a root file system to look into."""
        return Machine(self.layer, self.tree)


@pytest.fixture(scope="session")
def debian() -> Path:
    """A Debian root file system with its own ansible-core (2.14)."""
    try:
        return tree.made(print)
    except Cannot as cannot:
        pytest.skip(f"NO TREE: {cannot}")


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to be installed as the worker's bundle."""
    file = tmp_path_factory.mktemp("bundle") / "worker.pyz"
    file.write_text("not started here\n")
    return file


@pytest.fixture(scope="session")
def variables(worker: Path) -> dict[str, Any]:
    """What `vmdirac image variables` would print, with the stand-ins as its only mirror."""
    sha256 = hashlib.sha256(worker.read_bytes()).hexdigest()
    sums = {"worker_sha256": sha256, "context_roles_sha256": roles_archive()[0]}
    return {**VARIABLES, **sums, "worker_file": str(worker)}


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layer that has the mirror and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    Machine.over(Path(), folder)
    repository(folder / "upper" / MIRROR.lstrip("/"), PACKAGES)
    return folder


@pytest.fixture(scope="session")
def image(layer: Path, debian: Path, variables: dict[str, Any]) -> Image:
    """An image that was rehearsed, baked, and baked again."""
    before = written(layer)
    rehearsal = bake(layer, debian, variables, "--check")
    image = Image(layer, debian, sorted(written(layer) - before), [rehearsal])
    image.runs.extend(bake(layer, debian, variables) for _ in range(2))
    return image


def written(layer: Path) -> set[Path]:
    """Return the files in a layer."""
    return {file.relative_to(layer / "upper") for file in (layer / "upper").rglob("*") if not file.is_dir()}
