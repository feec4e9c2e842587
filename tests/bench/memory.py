"""Proportional set size of what runs for long: scheduler, manager, and a worker without and with four payloads."""

from __future__ import annotations

from pathlib import Path

from tests.support.wait import until
from vmdirac_py.base.processes import marked
from vmdirac_py.clouds.local.vm import mark_of
from vmdirac_py.installation import Installation
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import jobs

from .figures import Numbers
from .homes import cloud, installation, services, up

RUNS = 3
PAYLOADS = 4
JOB = """[ Executable = "/bin/sleep"; Arguments = "3600"; CPUTime = 3600;
          VirtualOrganization = "bench"; OwnerGroup = "bench_user"; ]"""
MIB = 1024  # kB


def measure(*, quick: bool) -> Numbers:
    """Return MiB. `vm` is all processes of a VM (cloud's init, worker, payloads), `worker` the largest of them."""
    del quick
    pool = {"pool_min_vms": 1, "pool_heartbeat_seconds": 1, "pool_boot_seconds": 5}
    with installation(cores=PAYLOADS, **pool) as ctx, cloud(ctx), services(ctx, "serve", "run") as stack:
        until(lambda: up(ctx) and running_instance(ctx), seconds=120, what="a running VM")
        instance = running_instance(ctx)
        found = {"scheduler_mib": pss(stack.pid("run")), "manager_mib": pss(stack.pid("serve"))}
        found |= _of_vm("idle", instance)
        jobs.submit(ctx, JOB, folder=None, where="bench", actor="bench", count=PAYLOADS)
        until(lambda: _busy(ctx) == PAYLOADS, seconds=120, what="the payloads")
        return {**found, **_of_vm("busy", instance)}


def _of_vm(name: str, instance: str) -> dict[str, float]:
    sizes = [pss(pid) for pid in processes_of(instance)]
    return {f"worker_{name}_mib": max(sizes), f"vm_{name}_mib": sum(sizes), f"vm_{name}_processes": len(sizes)}


def processes_of(instance: str) -> set[int]:
    """Return the VM's processes: those that bear its mark, and what shares their process tree (payloads bear none)."""
    ours = set(marked(mark_of(instance)))
    spaces = {_space(str(pid)) for pid in ours} - {_space("self"), ""}
    names = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return ours | {int(name) for name in names if _space(name) in spaces}


def _space(name: str) -> str:
    """Return the process namespace, empty when the process is gone."""
    try:
        return str(Path(f"/proc/{name}/ns/pid").readlink())
    except OSError:
        return ""


def pss(pid: int) -> float:
    """Return the proportional set size of a process, MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("Pss:")) / MIB


def running_instance(ctx: Installation) -> str:
    """Return the instance of a VM that runs, empty when none does."""
    with ctx.ledger.read() as tx:
        return next((vm.instance_id for vm in tx.vms.in_states((VmState.RUNNING,))), "")


def _busy(ctx: Installation) -> int:
    with ctx.ledger.read() as tx:
        return len(tx.jobs.find(states=(JobState.RUNNING,)))
