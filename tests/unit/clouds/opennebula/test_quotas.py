"""Quotas of user and group, defaults and clusters."""

from __future__ import annotations

import pytest

from vmdirac_py.clouds.api import CloudLimits
from vmdirac_py.clouds.opennebula.quotas import limits
from vmdirac_py.clouds.opennebula.reading import Unreadable


def user(defaults: str = "", *quotas: str) -> str:
    """Return a USER document."""
    return f"<USER>{vm_quota(*quotas)}<DEFAULT_USER_QUOTAS>{vm_quota(defaults)}</DEFAULT_USER_QUOTAS></USER>"


def group(*quotas: str) -> str:
    """Return a GROUP document."""
    return f"<GROUP>{vm_quota(*quotas)}<DEFAULT_GROUP_QUOTAS>{vm_quota()}</DEFAULT_GROUP_QUOTAS></GROUP>"


def vm_quota(*quotas: str) -> str:
    """Return a VM_QUOTA element."""
    return f"<VM_QUOTA>{''.join(quotas)}</VM_QUOTA>"


def quota(**values: object) -> str:
    """Return a quota of VMs."""
    return f"<VM>{''.join(f'<{key}><![CDATA[{value}]]></{key}>' for key, value in values.items())}</VM>"


def test_without_quotas_there_is_no_limit_and_no_use() -> None:
    """A user who never had a VM has empty quotas."""
    assert limits(user(), group()) == CloudLimits(None, None, 0, 0)


def test_the_tighter_of_user_and_group_counts() -> None:
    """What leaves least room is the limit, with the use that belongs to it; for VMs and CPUs apart."""
    own = quota(VMS=10, VMS_USED=2, CPU=100, CPU_USED=2)
    theirs = quota(VMS=20, VMS_USED=19, CPU=200, CPU_USED=30.5)
    assert limits(user("", own), group(theirs)) == CloudLimits(20, 100, 19, 2)


def test_minus_one_is_the_default_and_minus_two_no_limit() -> None:
    """A quota of -1 is that of the defaults, -2 is none whatever the defaults say."""
    default = quota(VMS=5, CPU=7)
    assert limits(user(default, quota(VMS=-1, VMS_USED=1, CPU=-2, CPU_USED=1)), group()).max_vms == 5
    assert limits(user(default, quota(VMS=-1, VMS_USED=1, CPU=-2, CPU_USED=1)), group()).max_cores is None


def test_quotas_of_running_vms_count_too() -> None:
    """A limit of running VMs is a limit of VMs."""
    assert limits(user("", quota(VMS=-2, VMS_USED=3, RUNNING_VMS=4, RUNNING_VMS_USED=3)), group()).max_vms == 4


def test_parts_of_a_cpu_are_rounded_against_us() -> None:
    """A limit is rounded down, use up."""
    assert limits(user("", quota(CPU=7.9, CPU_USED=2.1)), group()) == CloudLimits(None, 7, 0, 3)


def test_a_quota_of_some_clusters_is_not_the_whole() -> None:
    """A quota for named clusters does not limit the endpoint."""
    some = quota(CLUSTER_IDS="100", VMS=1, VMS_USED=1)
    assert limits(user("", some, quota(CLUSTER_IDS="-1", VMS=9, VMS_USED=1)), group()).max_vms == 9


@pytest.mark.parametrize("text", ["", "<GROUP/>", "<USER><VM_QUOTA>", user("", quota(VMS="many"))])
def test_what_is_no_quota_is_no_limit_either(text: str) -> None:
    """A document that cannot be read is an error, never "no limit"."""
    with pytest.raises(Unreadable):
        limits(text, group())
