"""5,000 VM transitions with history and reasons in one pass through a public operation, then kill -9.

A child process calls the operation on a ledger on the project's disk and kills itself as soon as the call returns;
what the ledger then holds is counted.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

from vmdirac_py.base.settings import Home
from vmdirac_py.installation import Installation, open_installation
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import aging, fleet

from .figures import Numbers
from .homes import installation
from .machine import ROOT

RUNS = 5
VMS = 5_000
IDS = [f"vm-{number:05}" for number in range(VMS)]


def _drain(ctx: Installation) -> None:
    fleet.drain(ctx, IDS, actor="bench")


def _halt(ctx: Installation) -> None:
    fleet.halt(ctx, IDS, actor="bench")


def _age(ctx: Installation) -> None:
    aging.advance(ctx)


# name -> the operation, and the state its VMs are then in; aging finds VMs that never enrolled
OPERATIONS: dict[str, tuple[Callable[[Installation], None], VmState, VmState]] = {
    "drain": (_drain, VmState.RUNNING, VmState.DRAINING),
    "halt": (_halt, VmState.RUNNING, VmState.STOPPING),
    "aging": (_age, VmState.SUBMITTED, VmState.FAILED),
}


KEPT = """
SELECT count(DISTINCT vms.id) FROM vms JOIN vm_transitions AS line ON line.vm = vms.id
WHERE vms.state = ? AND line.state = ? AND line.reason LIKE '{%'
"""


def measure(*, quick: bool) -> Numbers:
    """Return seconds of wall and processor time by operation, and how many of the transitions are lost: must be 0."""
    del quick
    return {key: value for name in OPERATIONS for key, value in _measured(name).items()}


def _measured(name: str) -> dict[str, float]:
    _, was, to = OPERATIONS[name]
    with installation(cores=8) as ctx:
        _fill(ctx, was)
        child = subprocess.run(
            [sys.executable, "-m", __name__, name, ctx.home.root], cwd=ROOT, stdout=subprocess.PIPE, check=False
        )
        assert child.returncode == -signal.SIGKILL, f"the child ended with {child.returncode}"
        wall, cpu = map(float, child.stdout.split())
        return {f"{name}_s": wall, f"{name}_cpu_s": cpu, f"{name}_lost": VMS - _kept(ctx, to)}


def _fill(ctx: Installation, state: VmState) -> None:
    """Write the VMs, each long past its deadline."""
    long_ago = ctx.clock.now() - 100_000
    vms = [
        Vm(vm, "b-0", "local", "bench", "bench", Resources(8, 8000), state, long_ago, long_ago, long_ago, f"i-{vm}")
        for vm in IDS
    ]
    with ctx.ledger.write() as tx:
        tx.vms.insert(vms, actor="bench", reason=Reason.of("launch.by_hand", actor="bench"))


def _kept(ctx: Installation, to: VmState) -> int:
    """Return how many VMs are in the new state with their line of history and its reason."""
    with sqlite3.connect(ctx.home.database) as again:
        assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept: int = again.execute(KEPT, (to, to)).fetchone()[0]
    return kept


def _act_and_die(name: str, home: Path) -> None:
    act, _, _ = OPERATIONS[name]
    with open_installation(Home(home)) as ctx:
        started, used = perf_counter(), process_time()
        act(ctx)
        os.write(1, f"{perf_counter() - started} {process_time() - used}".encode())
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _act_and_die(sys.argv[1], Path(sys.argv[2]))
