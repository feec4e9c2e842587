"""What VMs leave behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.doubles.vm import tar_of
from tests.support.context import TestContext, add_vm, events
from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import vm_logs
from vmdirac_py.operations.callers import VmGone


def keep(ctx: TestContext, vm_id: str, data: bytes) -> Path:
    """Store logs as the manager does; return where they lie."""
    incoming, path = vm_logs.store(ctx, vm_id)
    with incoming:
        incoming.write(data)
        incoming.keep_as(path)
    return path


def test_logs_outlive_their_vm(ctx: TestContext) -> None:
    """The newest logs of a VM that is stopping are read under its id, and an event tells of each delivery."""
    vm = add_vm(ctx, state=VmState.STOPPING)
    keep(ctx, vm.id, tar_of({"worker.log": "old"}))
    keep(ctx, vm.id, tar_of({"worker.log": "new", "kernel.log": "boots"}))
    assert vm_logs.read(ctx, vm.id) == {"worker.log": "new", "kernel.log": "boots"}
    assert [event.subject for event in events(ctx, "vm.logs")] == [vm.id, vm.id]


def test_a_vm_that_is_gone_leaves_nothing_more(ctx: TestContext) -> None:
    """Logs are taken from VMs whose life is not over."""
    with pytest.raises(VmGone):
        vm_logs.store(ctx, add_vm(ctx, state=VmState.HALTED).id)


@pytest.mark.parametrize("known", [True, False])
def test_no_logs(ctx: TestContext, *, known: bool) -> None:
    """Where there is nothing to read, the error names the VM."""
    vm_id = add_vm(ctx).id if known else "../../etc/passwd"
    with pytest.raises(UnknownThing) as caught:
        vm_logs.read(ctx, vm_id)
    assert vm_id in str(caught.value)


def test_what_is_no_archive(ctx: TestContext) -> None:
    """Logs that cannot be unpacked are an error that says so, not a stack trace."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    keep(ctx, vm.id, b"no archive")
    with pytest.raises(BadInput, match="cannot be unpacked"):
        vm_logs.read(ctx, vm.id)


def test_logs_without_end_are_not_read(ctx: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many logs, or too much in them, is an error: who looks at them must not run out of memory."""
    monkeypatch.setattr(vm_logs, "MOST_TEXT", 10)
    monkeypatch.setattr(vm_logs, "MOST_LOGS", 2)
    vm = add_vm(ctx, state=VmState.RUNNING)
    for logs in ({"a": "x" * 6, "b": "x" * 6}, {"a": "", "b": "", "c": ""}):
        keep(ctx, vm.id, tar_of(logs))
        with pytest.raises(BadInput, match="too much"):
            vm_logs.read(ctx, vm.id)


def test_old_logs_are_forgotten(ctx: TestContext) -> None:
    """After `log_days` logs are removed, younger ones stay."""
    old, young = (add_vm(ctx, state=VmState.RUNNING).id for _ in range(2))
    for vm_id, days in ((old, 31), (young, 29)):
        path, at = keep(ctx, vm_id, tar_of({"worker.log": vm_id})), ctx.clock.now() - days * 86400
        os.utime(path, (at, at))
    assert vm_logs.forget_old(ctx) == 1
    assert vm_logs.read(ctx, young) == {"worker.log": young}
    with pytest.raises(UnknownThing):
        vm_logs.read(ctx, old)
