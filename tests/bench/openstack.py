"""Processor seconds for 200 servers on a real Nova, against openstacksdk alone; 20 beside openstack.cloud.

Default ramp (100 a batch) and intervals, one pool that wants so many. Ours is all that the scheduler and its children
spend: planning, Ansible, module, listings, ledger. openstacksdk asks for as many a call.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.support.nova_project import FLAVOR, NovaProject
from tests.testbeds.openstack import Bed, Project
from tests.testbeds.openstack.lending import lent
from tests.testbeds.openstack.life import LIFE

from .figures import Numbers
from .fleet import alone, compared, others_collection, raised

T = TypeVar("T")
RUNS = 1
COUNT, QUICK_COUNT = 200, 40
BESIDE = 20
RAMP = 100
PLAYBOOK = Path(__file__).with_name("playbooks") / "openstack_server.yml"


def measure(*, quick: bool) -> Numbers:
    """Return seconds; `share_of_allowed` up to 1 meets the target."""
    bed, count = LIFE.shared(sys.stderr.write), QUICK_COUNT if quick else COUNT
    library = _in_project(bed, lambda project: alone("openstack", str(count), str(RAMP), more=_login(bed, project)))
    found = _in_project(bed, lambda project: _ours(bed, project, count))
    beside = _in_project(bed, lambda project: _ours(bed, project, BESIDE))
    others = _in_project(bed, lambda project: _others(bed, project))
    more = {
        "beside_ours_cpu_s": beside["cpu_s"],
        **({} if others is None else {"beside_openstack_cloud_cpu_s": others}),
    }
    return {"instances": count, **compared(found, library), **more}


def _in_project(bed: Bed, act: Callable[[Project], T]) -> T:
    with lent(bed) as project:
        return act(project)


def _ours(bed: Bed, project: Project, count: int) -> Numbers:
    with tempfile.TemporaryDirectory(prefix="vmdirac-bench-") as folder:
        return raised(Path(folder), NovaProject(bed, project), count)


def _login(bed: Bed, project: Project) -> dict[str, str]:
    return {
        "OS_AUTH_URL": bed.auth_url,
        "OS_USERNAME": project.user,
        "OS_PASSWORD": project.password,
        "OS_PROJECT_NAME": project.project,
        "OS_USER_DOMAIN_NAME": project.domain,
        "OS_PROJECT_DOMAIN_NAME": project.domain,
        "OS_REGION_NAME": bed.region,
        "BENCH_IMAGE": bed.content.image,
    }


def _others(bed: Bed, project: Project) -> float | None:
    about = {"image": bed.content.image, "flavor": FLAVOR, "network": project.network, "count": str(BESIDE)}
    return others_collection(PLAYBOOK, about, more={**_login(bed, project), "VMDIRAC_BENCH_PYTHON": sys.executable})
