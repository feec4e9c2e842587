"""The conformance suite against an endpoint a third party names: what it runs, skips, and leaves behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.program import TOP, environment
from vmdirac_py.clouds.local import connect, start_server, stop_server
from vmdirac_py.model.inventory import Endpoint

pytestmark = pytest.mark.slow

DESCRIBED = {
    "endpoint": {
        "endpoint_kind": "local",
        "endpoint_site": "CLOUD.Here.xy",
        "endpoint_client_timeout": 20,
        "endpoint_options": {"state": "cloud"},
    },
    "pool": {"pool_flavor": "small", "pool_image": "host", "pool_cores": 1},
    "installation_id": "inst-jane",
    "max_vms": 3,
}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Path]:
    """Return the folder with a running cloud."""
    start_server(tmp_path / "cloud")
    yield tmp_path
    stop_server(tmp_path / "cloud", terminate=True)


def suite(folder: Path, described: object, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a part of the suite against what a file describes."""
    file = folder / "my.yml"
    file.write_text(yaml.safe_dump(described))
    command = [sys.executable, "-m", "pytest", "tests/conformance", "--endpoint", str(file), "-p", "no:cacheprovider"]
    return subprocess.run([*command, *words], cwd=TOP, env=environment(), capture_output=True, text=True, check=False)


def test_it_runs_what_it_can_and_leaves_nothing(cloud: Path) -> None:
    """Tests that order nothing pass, those that do or need more VMs are skipped with the reason, and all VMs end."""
    done = suite(cloud, DESCRIBED, "-k", "as_many_as_wanted or each_lists_only_its_own or partial_success_is_a_result")
    assert done.returncode == 0, done.stdout
    assert "my: its lab cannot refuse_some" in done.stdout
    assert "its lab has room for 3 VMs, not for 10" in done.stdout
    assert "2 passed" in done.stdout
    described = Endpoint("here", "local", "site", options={"state": "cloud"})
    for installation in ("inst-jane", "inst-jane-other"):
        endpoint = connect(described, installation_id=installation, resolve=str, home=cloud)
        instances = endpoint.instances()
        assert instances
        assert all(instance.terminal for instance in instances)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("endpoint", {"endpoint_kind": "nowhere", "endpoint_site": "x"}, "no driver for kind 'nowhere'"),
        ("pool", {"pool_flavour": "small"}, "did you mean pool_flavor?"),
        ("more", 1, "more"),
    ],
)
def test_a_file_that_is_wrong_says_so(tmp_path: Path, key: str, value: object, told: str) -> None:
    """What cannot be used is named, and nothing passes."""
    done = suite(tmp_path, {**DESCRIBED, key: value}, "-k", "nothing_to_terminate")
    assert done.returncode != 0
    assert told in done.stdout + done.stderr
