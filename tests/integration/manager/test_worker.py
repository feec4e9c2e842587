"""The real worker against the real manager: from a token to work done and the VM ready to go."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.context import (
    TOKEN,
    TestContext,
    add_batch,
    add_vm,
    bring,
    job_of,
    make_context,
    make_inventory,
    make_pool,
    row_of,
    submit,
)
from tests.support.manager import running
from tests.support.wait import until
from vmdirac_py.base.clock import SystemClock
from vmdirac_py.credentials.owners import Owned
from vmdirac_py.manager.serve import Ready
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import aging, job_credentials, jobs, outputs
from vmdirac_py.operations.explain import why
from vmdirac_py.planner.memory import Memory, fold


@dataclass
class WorkerConfig:
    """The worker's configuration file (`vmdirac_py.worker.wire.Config`)."""

    manager: str
    ca: str
    instance_id_file: str
    work_dir: str
    token: str = TOKEN
    cores: int = 8
    ram_mb: int = 16000
    gpus: int = 0
    heartbeat_seconds: float = 0.2
    idle_seconds: float = 0.5
    max_life: float = 86400.0
    inner_ce: str = "Pool/InProcess"
    bind_address: str = ""
    ce: dict[str, object] = field(default_factory=dict)
    stop_policies: dict[str, Any] = field(default_factory=dict)
    hs06: float = 10.0
    failed: str = ""
    gate: dict[str, Any] = field(default_factory=dict)
    pilot: dict[str, object] = field(default_factory=dict)
    notice: str = ""


@pytest.fixture
def ctx(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TestContext]:
    """Return an installation by the machine's clock, whose pool beats fast and idles briefly or as asked."""
    pool = make_pool("astro-8", "astro", heartbeat_seconds=0.2, idle_seconds=getattr(request, "param", 0.5))
    context = make_context(tmp_path / "home", clock=SystemClock(), inventory=make_inventory(pool))
    yield context
    context.ledger.close()


@pytest.fixture
def where(ctx: TestContext) -> Iterator[Ready]:
    """Return where its manager listens."""
    with running(ctx) as ready:
        yield ready


@contextmanager
def worker(
    ctx: TestContext, where: Ready, folder: Path, instance: str, ce: dict[str, object] | None = None, **gate: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker in `folder` as instance `instance`; killed at the latest at the end of the block."""
    folder.mkdir()
    (folder / "id").write_text(instance)
    config = WorkerConfig(where.vms, ctx.authority.pem, str(folder / "id"), str(folder), ce=ce or {}, gate=gate)
    (folder / "config.json").write_text(json.dumps(asdict(config)))
    with again(folder) as started:
        yield started


@contextmanager
def again(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker of `folder` (again); killed at the latest at the end of the block."""
    command = [sys.executable, "-m", "vmdirac_py.worker", str(folder / "config.json")]
    with subprocess.Popen(command) as started:
        try:
            yield started
        finally:
            started.terminate()


def output_of(ctx: TestContext, job: int) -> bytes:
    """Return what a job wrote to its standard output."""
    with tarfile.open(fileobj=io.BytesIO(ctx.blobs.get(job_of(ctx, job).output))) as archive:
        (stdout,) = [name for name in archive.getnames() if name.endswith("std.out")]
        content = archive.extractfile(stdout)
        assert content
        return content.read()


def expect(ctx: TestContext, vm: Vm, state: VmState) -> None:
    """Wait until a VM is in a state."""
    until(lambda: row_of(ctx, vm.id).state is state, what=f"the VM {state}")


def test_a_worker_enrols_works_and_leaves(ctx: TestContext, where: Ready, tmp_path: Path) -> None:
    """A token becomes a Running VM, a waiting job is Done with its output, and the idle VM is Stopping."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    job = submit(ctx, cores=2, arguments="-c 'echo $((6 * 7))'", executable="/bin/sh").id
    with worker(ctx, where, tmp_path / "vm", "i-1") as started:
        until(lambda: job_of(ctx, job).state is JobState.DONE, what="the job Done")
        expect(ctx, vm, VmState.STOPPING)
        assert started.wait(20) == 0
    assert output_of(ctx, job) == b"42\n"


def test_a_drained_worker_ends_its_job_first(ctx: TestContext, where: Ready, tmp_path: Path) -> None:
    """Told to drain in the middle of a job: the job is Done, no other is started, the VM is Stopping."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    go = tmp_path / "go"
    job = submit(ctx, executable="/bin/sh", arguments=f"-c 'until test -e {go}; do sleep 0.1; done'").id
    with worker(ctx, where, tmp_path / "vm", "i-1"):
        until(lambda: job_of(ctx, job).state is JobState.RUNNING, what="the job Running")
        with ctx.ledger.write() as tx:
            at = ctx.clock.now()
            tx.commands.give([vm.id], "drain", at=at, deadline={vm.id: at + 600}, actor="unix:ann")
        bring(ctx, row_of(ctx, vm.id), VmState.DRAINING)
        second = submit(ctx).id
        go.touch()
        expect(ctx, vm, VmState.STOPPING)
    assert (job_of(ctx, job).state, job_of(ctx, second).state) == (JobState.DONE, JobState.WAITING)


def test_a_credential_travels_with_its_job(ctx: TestContext, where: Ready, tmp_path: Path) -> None:
    """A payload reads its owner's token, the renewed one while it runs, and neither side keeps it after the end."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    script = "until grep -q second $BEARER_TOKEN_FILE; do sleep 0.1; done; tr a-z A-Z < $BEARER_TOKEN_FILE"
    text = f'CPUTime = 360;\nExecutable = "/bin/sh";\nArguments = "-c \'{script}\'";'
    first, second = Owned(token="the-first-token"), Owned(token="the-second-token")
    (job,) = jobs.submit(ctx, text, folder=None, where="j", actor="unix:ann", vo="astro", credential=first)
    with worker(ctx, where, tmp_path / "vm", "i-1", {"credential_seconds": 0.1}):
        until(lambda: job_of(ctx, job.id).state is JobState.RUNNING, what="the job Running")
        job_credentials.replace(ctx, job.id, second, actor="unix:ann")
        until(lambda: job_of(ctx, job.id).state is JobState.DONE, what="the job Done")
        expect(ctx, vm, VmState.STOPPING)
    assert "".join(outputs.standard_output(ctx, job.id)) == "THE-SECOND-TOKEN"
    assert list(ctx.home.owner_credentials.iterdir()) == []
    assert not [path for path in (tmp_path / "vm").rglob("*") if path.is_file() and b"-token" in path.read_bytes()]


def test_an_outage_costs_nothing(tmp_path: Path) -> None:
    """A manager that is away for the whole tolerated outage, here six seconds: the job is Done once, the VM lives."""
    day = 6.0
    hours = {"certificate_hours": 3 * day / 3600, "dead_man_hours": 2 * day / 3600, "outage_hours": 1.01 * day / 3600}
    pool = make_pool("astro-8", "astro", heartbeat_seconds=0.2, idle_seconds=600.0, stalled_after=2.0)
    ctx = make_context(tmp_path / "home", clock=SystemClock(), inventory=make_inventory(pool), **hours)
    vm, go = add_vm(ctx, batch=add_batch(ctx), instance="i-1"), tmp_path / "go"
    script = f"until test -e {go}; do sleep 0.1; done; echo kept"
    job = submit(ctx, executable="/bin/sh", arguments=f"-c '{script}'").id
    with contextlib.ExitStack() as stack:
        with running(ctx) as where:
            stack.enter_context(worker(ctx, where, tmp_path / "vm", "i-1"))
            until(lambda: job_of(ctx, job).state is JobState.RUNNING, what="the job Running")
            port = urlsplit(where.vms).port or 0
        away_until = time.monotonic() + day
        go.touch()
        until(lambda: time.monotonic() > away_until, seconds=2 * day, what="a day passed")
        aging.advance(ctx)
        with running(ctx, vm_port=port):
            until(lambda: job_of(ctx, job).state is JobState.DONE, what="the job Done")
            aging.advance(ctx)
            assert row_of(ctx, vm.id).state is VmState.RUNNING
            second = submit(ctx).id
            until(lambda: job_of(ctx, second).state is JobState.DONE, what="another job Done")
    assert job_of(ctx, job).attempt == 1
    assert output_of(ctx, job) == b"kept\n"
    ctx.ledger.close()


@pytest.mark.parametrize("ctx", [600.0], indirect=True)
def test_a_worker_that_is_killed_loses_no_job(ctx: TestContext, where: Ready, tmp_path: Path) -> None:
    """Killed in the middle of a job and started again, a worker gives the job back and runs its second attempt."""
    vm, go = add_vm(ctx, batch=add_batch(ctx), instance="i-1"), tmp_path / "go"
    job = submit(ctx, executable="/bin/sh", arguments=f"-c 'until test -e {go}; do sleep 0.1; done; echo once'").id
    with worker(ctx, where, tmp_path / "vm", "i-1") as first:
        until(lambda: job_of(ctx, job).state is JobState.RUNNING, what="the job Running")
        first.kill()
        first.wait()
        go.touch()
        with again(tmp_path / "vm"):
            until(lambda: job_of(ctx, job).state is JobState.DONE, what="the job Done")
            assert row_of(ctx, vm.id).state is VmState.RUNNING
    assert job_of(ctx, job).attempt == 2
    assert output_of(ctx, job) == b"once\n"


def test_an_unfit_worker_takes_no_job_and_its_pool_rests(ctx: TestContext, where: Ready, tmp_path: Path) -> None:
    """A VM whose gate stays shut Fails with its words, which `why` shows; its pool rests, and the job still waits."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    job = submit(ctx).id
    gate = {"seconds": 0.2, "clock_seconds": 60, "cores": 1, "cvmfs": ["none.example.org"]}
    with worker(ctx, where, tmp_path / "vm", "i-1", **gate) as started:
        assert started.wait(20) == 0
    failed = row_of(ctx, vm.id)
    assert (failed.state, failed.reason and failed.reason.code) == (VmState.FAILED, "vm.unfit")
    assert any("/cvmfs/none.example.org cannot be read" in line.text for line in why(ctx, vm.id))
    assert job_of(ctx, job).state is JobState.WAITING
    with ctx.ledger.read() as tx:
        learned = fold(Memory(), tx.batches.outcomes(0), ctx.inventory().pools)
    budget = learned.pool(ctx.inventory().pools["astro-8"])
    assert (budget.allowance, budget.error_class) == (1, ErrorClass.STILLBORN)


def test_a_worker_whose_gate_opens_works(ctx: TestContext, where: Ready, tmp_path: Path) -> None:
    """A VM that is as promised and whose clock is right runs jobs as if there were no gate."""
    add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    job = submit(ctx).id
    with worker(ctx, where, tmp_path / "vm", "i-1", seconds=5, cores=1, clock_seconds=60, runtime=["true"]):
        until(lambda: job_of(ctx, job).state is JobState.DONE, what="the job Done")
