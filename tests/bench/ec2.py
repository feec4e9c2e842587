"""Processor seconds for 1,000 instances on EC2's interface (moto), against boto3 alone; 50 beside amazon.aws.

Default ramp (100 a batch) and intervals, one pool that wants so many. Ours is all that the scheduler and its children
spend: planning, Ansible, module, listings, ledger.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from tests.support.moto_account import FLAVOR, IMAGE, REGION, MotoAccount, moto_account

from .figures import Numbers
from .fleet import alone, compared, others_collection, raised

T = TypeVar("T")
RUNS = 1
COUNT, QUICK_COUNT = 1000, 100
BESIDE = 50
RAMP = 100
PLAYBOOK = Path(__file__).with_name("playbooks") / "ec2_instance.yml"


def measure(*, quick: bool) -> Numbers:
    """Return seconds and calls; `share_of_allowed` up to 1 meets the target."""
    count = QUICK_COUNT if quick else COUNT
    library = _in_account(count, lambda account, _: alone("ec2", account.proxy.url, str(count), str(RAMP)))
    found = _in_account(count, lambda account, folder: _ours(account, folder, count))
    beside = _in_account(BESIDE, lambda account, folder: raised(folder, account, BESIDE))
    others = _in_account(BESIDE, lambda account, _: _others(account))
    more = {"beside_ours_cpu_s": beside["cpu_s"], **({} if others is None else {"beside_amazon_aws_cpu_s": others})}
    return {"instances": count, **compared(found, library), **more}


def _in_account(limit: int, act: Callable[[MotoAccount, Path], T]) -> T:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vmdirac-bench-")))
        account = stack.enter_context(moto_account(folder, max_vms=limit))
        account.proxy.page = 1000
        return act(account, folder)


def _ours(account: MotoAccount, folder: Path, count: int) -> Numbers:
    found = raised(folder, account, count)
    return {**found, "calls_per_100": 100 * len(account.proxy.calls) / count}


def _others(account: MotoAccount) -> float | None:
    about = {"url": account.proxy.url, "region": REGION, "image": IMAGE, "flavor": FLAVOR, "count": str(BESIDE)}
    return others_collection(PLAYBOOK, about)
