"""On a real OpenStack: names for ids, both logins, and what would not work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.conformance.endpoints.libcloud_openstack import LibcloudOpenStackLab
from tests.conformance.endpoints.libcloud_openstack import lab as made
from vmdirac_py.clouds.api import BadRequest, LaunchRequest, Mark
from vmdirac_py.clouds.libcloud import connect, problems
from vmdirac_py.clouds.libcloud.driver import LibcloudEndpoint
from vmdirac_py.model.inventory import Endpoint, Pool

pytestmark = pytest.mark.full

IMAGE = "debian-12"
MARK = Mark("inst-ours", "b-names", "vo-1", "pool-1")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LibcloudOpenStackLab]:
    """Return a project without servers."""
    with made(tmp_path) as found:
        yield found


@pytest.fixture
def pool(lab: LibcloudOpenStackLab) -> Pool:
    """Return a pool that says all by name."""
    project = lab.project
    said = {"networks": [project.network], "security_groups": [project.security_group], "key_pair": project.keypair}
    return replace(lab.pool, image=IMAGE, options={**said, "config_drive": True, "zone": "nova"})


def by_password(lab: LibcloudOpenStackLab, home: Path) -> LibcloudEndpoint:
    """Return a driver that logs in as a user."""
    project = lab.project
    options = {
        "provider": "openstack",
        "auth_url": lab.auth_url,
        "username": project.user,
        "password": f"file:{project.password_file}",
        "project": project.project,
        "user_domain": project.domain,
    }
    described = Endpoint("libcloud", "libcloud", "site", ramp=1, client_timeout=60.0, options=options)
    assert problems(described, []) == []
    return connect(described, installation_id="inst-ours", resolve=read, home=home)


def read(reference: str) -> str:
    """Return a secret of the bed."""
    return Path(reference.removeprefix("file:")).read_text().strip()


def request_of(pool: Pool, **changes: Any) -> LaunchRequest:
    """Return a request for one VM."""
    return LaunchRequest(MARK, replace(pool, **changes), ["vm-names"], b"#cloud-config\n")


def test_all_by_name_and_a_password(lab: LibcloudOpenStackLab, pool: Pool, tmp_path: Path) -> None:
    """Image, flavor, network, group, key and zone by name give a VM that bears the mark; the closest names are told."""
    ours = by_password(lab, tmp_path)
    (instance,) = ours.launch(request_of(pool)).launched
    assert instance.mark == replace_vm(MARK, "vm-names")
    for changes, meant in (
        ({"image": "debian-13"}, IMAGE),
        ({"flavor": "c3"}, "'c"),
        ({"options": {**pool.options, "networks": [f"{lab.project.network}s"]}}, lab.project.network),
    ):
        with pytest.raises(BadRequest, match=meant):
            ours.launch(request_of(pool, **changes))
    assert [one.id for one in ours.instances()] == [instance.id]


def replace_vm(mark: Mark, vm: str) -> Mark:
    """Return a mark with the VM it is for."""
    return Mark(mark.installation, mark.batch, mark.vo, mark.pool, vm)


def test_what_pools_name_is_looked_at(lab: LibcloudOpenStackLab, pool: Pool) -> None:
    """An inspection finds what is there, and names the closest of what is not."""
    wrong = replace(pool, flavor="c3", options={**pool.options, "key_pair": f"{lab.project.keypair}s"})
    found = {finding.about: finding for finding in lab.endpoint("inst-ours").inspect([wrong])}
    assert sorted(about for about, finding in found.items() if not finding.ok) == [
        "flavor of pool-1",
        "key pair of pool-1",
    ]
    assert lab.project.keypair in found["key pair of pool-1"].mend


def test_a_wrong_password_is_told(lab: LibcloudOpenStackLab, tmp_path: Path) -> None:
    """A login that is refused is an error of the credentials, and never shows them."""
    project = lab.project
    options = {
        "provider": "openstack",
        "auth_url": lab.auth_url,
        "username": project.user,
        "project": project.project,
    }
    described = Endpoint("libcloud", "libcloud", "site", options=options | {"password": "env:PASSWORD"})
    wrong = connect(described, installation_id="inst-ours", resolve=lambda _: "not-the-password", home=tmp_path)
    (login,) = wrong.inspect([])
    assert not login.ok
    assert "credentials" in login.text
    assert "not-the-password" not in f"{login} {wrong!r}"
