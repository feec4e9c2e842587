"""The thread on EC2's interface: a moto server behind a proxy, its hollow instances filled with real workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installed import VOS
from tests.support.moto_account import moto_account
from tests.support.there import There, running_on

pytestmark = pytest.mark.slow


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    """A running installation on EC2."""
    with moto_account(tmp_path) as account, running_on(tmp_path, account) as made:
        yield made


def test_jobs_of_three_vos_are_done_and_the_instances_retire(there: There) -> None:
    """Jobs get instances of their own VO, run there, are Done with their output; at the end the account is empty."""
    ids = [job_id for vo in VOS for job_id in there.submit("echo hello from $(hostname)", vo=vo, count=2)]
    there.until_done(ids)
    vo_of_vm = {vm.id: vm.vo for vm in there.vms()}
    assert {(there.job(job_id).spec.vo, vo_of_vm[there.job(job_id).vm]) for job_id in ids} == {(vo, vo) for vo in VOS}
    assert there.vmdirac("job", "output", str(ids[0]), "--print").stdout.startswith("hello from ")
    there.until_retired()
