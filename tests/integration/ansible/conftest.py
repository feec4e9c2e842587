"""A real installation on an embedded cloud, for modules and playbooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from vmdirac_py import installation
from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.clouds.local.control import start_server, stop_server

POOL = {"pool_flavor": "local.2core", "pool_image": "host", "pool_cores": 2, "pool_ram_mb": 2000}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Two pools of one VO on one embedded cloud that may run three VMs."""
    content = {
        "endpoint_here": {
            "hosts": {"small": POOL, "large": {**POOL, "pool_cores": 4}},
            "vars": {
                "endpoint_kind": "local",
                "endpoint_site": "CLOUD.Local.here",
                "endpoint_options": {"state": str(tmp_path / "cloud")},
            },
        },
        "vo_alpha": {"hosts": {"small": {}, "large": {}}, "vars": {"vo_groups": ["alpha_user"]}},
    }
    path = tmp_path / "inventory.yml"
    path.write_text(yaml.safe_dump({"all": {"children": content}}))
    return path


@pytest.fixture
def home(tmp_path: Path, inventory: Path) -> Home:
    """An installation."""
    made = Home(tmp_path / "home")
    installation.init(made, Settings(inventory=str(inventory), vm_port=1))
    return made


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Path]:
    """The embedded cloud's server, with room for three VMs."""
    state = tmp_path / "cloud"
    start_server(state, max_vms=3)
    yield state
    stop_server(state, terminate=True)
