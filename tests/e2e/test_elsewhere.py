"""The thread on others' clouds: a real Nova, and EC2's interface; hollow instances are filled with real workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.installed import VOS
from tests.support.moto_account import moto_account
from tests.support.nova_project import nova_project
from tests.support.there import OtherCloud, There, running_on
from tests.testbeds.openstack.fixtures import openstack_bed

__all__ = ["openstack_bed"]
pytestmark = pytest.mark.slow

Make = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[OtherCloud]]
CLOUDS: dict[str, Make] = {
    "ec2": lambda _, folder: moto_account(folder),
    "openstack": lambda request, _: nova_project(request.getfixturevalue("openstack_bed")),
}


@pytest.fixture(params=CLOUDS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    """A running installation on each of these clouds."""
    with CLOUDS[request.param](request, tmp_path) as cloud, running_on(tmp_path, cloud) as made:
        yield made


def test_jobs_of_three_vos_are_done_and_the_instances_retire(there: There) -> None:
    """Jobs get instances of their own VO, run there, are Done with their output; at the end the cloud is empty."""
    ids = [job_id for vo in VOS for job_id in there.submit("echo hello from $(hostname)", vo=vo, count=2)]
    there.until_done(ids)
    vo_of_vm = {vm.id: vm.vo for vm in there.vms()}
    assert {(there.job(job_id).spec.vo, vo_of_vm[there.job(job_id).vm]) for job_id in ids} == {(vo, vo) for vo in VOS}
    assert there.vmdirac("job", "output", str(ids[0]), "--print").stdout.startswith("hello from ")
    there.until_retired()
