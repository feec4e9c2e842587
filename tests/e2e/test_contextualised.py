"""VMs that really boot are made what their contexts say, by the distribution's own Ansible."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.booted import PATIENCE_SECONDS, booted_on
from tests.support.moto_account import moto_account
from tests.support.there import There
from tests.support.wait import until
from tests.testbeds.vm import Cannot
from tests.testbeds.vm.sources import SOURCES
from vmdirac_py.model.vm import VmState

LONG = {"path": "/etc/long", "content": "beyond what EC2 takes, so the user data goes out compressed\n" * 300}
GREETING = {"files": [{"path": "/etc/greeting", "content": "made by roles\n"}, LONG]}
BROKEN = {"commands": [{"argv": ["/bin/sh", "-c", "echo no such luck >&2; exit 1"], "creates": "/etc/never"}]}


def _say(words: str) -> None:
    sys.stderr.write(f"VM test bed: {words}\n")
    sys.stderr.flush()


@contextmanager
def booted(folder: Path, **keys: Any) -> Iterator[There]:
    """Run an installation whose VMs boot; skip, loudly, where the machine cannot."""
    try:
        with moto_account(folder) as cloud, booted_on(folder, cloud, SOURCES["NoCloud"], _say, **keys) as there:
            yield there
    except Cannot as cannot:
        pytest.skip(f"no VMs here: {cannot}")


@pytest.mark.slow
@pytest.mark.full
def test_a_job_finds_what_the_roles_made(tmp_path: Path) -> None:
    """Roles run before the gate; the worker is a service; and the job finds the file and the payload's account."""
    with booted(tmp_path, pool_context={"profile": GREETING, "worker": {"payload_users": 2}}) as there:
        (job,) = there.submit(
            "cat /etc/greeting; id -un vmdirac_payload_01; systemctl is-active vmdirac-worker", count=1
        )
        there.until_done([job], seconds=PATIENCE_SECONDS)
        said = there.vmdirac("job", "output", str(job), "--print").stdout
        assert said.split("\n")[:3] == ["made by roles", "vmdirac_payload_01", "active"]
        (vm,) = there.vms()
        assert there.ctx.inventory().pools[vm.pool].profile == vm.profile != ""
        there.until_retired(seconds=PATIENCE_SECONDS)


@pytest.mark.slow
@pytest.mark.full
def test_a_machine_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """A role that fails ends the VM, and `why` shows the task and its message."""
    with booted(tmp_path, pool_context={"profile": BROKEN}) as there:
        there.submit("true", count=1)

        def failed() -> str:
            return next((vm.id for vm in there.vms() if vm.state in {VmState.FAILED, VmState.HALTED}), "")

        until(failed, seconds=PATIENCE_SECONDS)
        assert "no such luck" in there.vmdirac("why", failed()).stdout
