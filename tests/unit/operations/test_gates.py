from __future__ import annotations

from typing import Any

import pytest

from tests.support.context import make_pool
from vmdirac_py.model.resources import Resources
from vmdirac_py.operations.gates import LEFT, gate_of
from vmdirac_py.worker import gate


def pool(**changes: Any) -> Any:
    """Return a pool."""
    return make_pool("p", "astro", **changes)


def test_a_flavor_is_a_promise() -> None:
    """What the pool says of its flavor is looked at on the VM, and the clock; nothing is asked that is not promised."""
    assert gate_of(pool(), "openstack") == {
        "seconds": 300.0,
        "cores": 8,
        "ram_mb": 16000,
        "disk_gb": 100,
        "clock_seconds": 60.0,
    }
    assert gate_of(pool(resources=Resources(8, 0, 2)), "ec2").keys() == {"seconds", "cores", "gpus", "clock_seconds"}


def test_vms_that_share_their_host_promise_no_hardware() -> None:
    """A local cloud may promise more cores than its host has; without roles its gate is open."""
    assert gate_of(pool(), "local") == {}


def test_what_roles_leave_is_looked_at_on_every_cloud() -> None:
    """Each role's options say what must hold after it ran."""
    context = {
        "profile": {"packages": ["gcc"]},
        "cvmfs": {"repositories": ["one.example.org"]},
        "trust_anchors": {"cvmfs": "/cvmfs/one.example.org/grid", "crl_hours": 24},
        "apptainer": {"probe_image": "/cvmfs/one.example.org/image"},
        "worker": {"payload_users": 2},
    }
    assert gate_of(pool(context=context), "local") == {
        "seconds": 300.0,
        "metadata": ["169.254.169.254", "fd00:ec2::254"],
        "cvmfs": ["one.example.org"],
        "trust_anchors": {"folder": "/etc/grid-security/certificates", "crl_hours": 24},
        "runtime": ["apptainer", "exec", "--contain", "--no-home", "/cvmfs/one.example.org/image", "/bin/true"],
        "payload_users": ["vmdirac_payload_00", "vmdirac_payload_01"],
    }


@pytest.mark.parametrize(
    "context",
    [
        {"cvmfs": {}},
        {"trust_anchors": {}},
        {"trust_anchors": {"url": "https://x", "parts": ["vomses"]}},
        {"profile": {"metadata_cutoff": False}},
        {"worker": {}},
        {"pilot": {}},
    ],
)
def test_roles_that_leave_nothing_are_not_looked_at(context: dict[str, dict[str, Any]]) -> None:
    """A role whose options ask for nothing has nothing to show."""
    assert gate_of(pool(context=context), "local") == {}


def test_a_vm_can_say_why_before_it_is_given_up() -> None:
    """However long a gate may take, half of the boot deadline is left to tell."""
    assert gate_of(pool(gate_seconds=9999.0, boot_deadline=600.0), "ec2")["seconds"] == 300.0


def test_the_worker_knows_every_key() -> None:
    """What is configured here is what the worker looks at."""
    made = {"seconds", "clock_seconds", "cores", "ram_mb", "disk_gb", "gpus", *(key for key, _ in LEFT.values())}
    assert made == set(gate.KEYS)
