"""An installation with real processes on whatever cloud, as `vmdirac up` runs them, but in a test's hands."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.program import environment, free_ports
from tests.support.remains import of_program, remains, speaking_of
from tests.support.wait import until
from vmdirac_py.base.processes import marked
from vmdirac_py.base.settings import HOME_VARIABLE, Home, Settings
from vmdirac_py.cli.stack import MARK
from vmdirac_py.installation import Installation, init, open_installation
from vmdirac_py.model.batch import Batch, BatchKind, BatchState
from vmdirac_py.model.job import Job, JobState
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import jobs as job_operations

VOS = ("alpha", "beta", "gamma")
FAST_POOL = {
    "pool_boot_seconds": 3,
    "pool_boot_deadline": 30,
    "pool_heartbeat_seconds": 0.5,
    "pool_stalled_after": 30,
    "pool_idle_seconds": 1.5,
    "pool_drain_seconds": 60,
    "pool_max_life": 7200,
}
FAST_ENDPOINT = {
    "endpoint_max_vms": 6,
    "endpoint_ramp": 4,
    "endpoint_listing_seconds": 1,
    "endpoint_client_timeout": 6,
    "endpoint_listing_lag": 1,
}
SERVICES = {"manager": "serve", "scheduler": "run"}
STOP_SECONDS = 30.0


@dataclass
class Installed:
    """An installation."""

    home: Home
    ctx: Installation
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def inventory_file(self) -> Path:
        """The inventory."""
        return self.home.root.parent / "inventory.yml"

    def write_inventory(self, content: Mapping[str, Any]) -> None:
        """Replace the inventory."""
        self.inventory_file.write_text(yaml.safe_dump(dict(content)))

    # What a cloud of its own kind knows better

    def living(self) -> Collection[str]:
        """Return the ids of the cloud's instances that live."""
        raise NotImplementedError

    def every_instance(self) -> Collection[str]:
        """Return the ids of all instances there ever were."""
        raise NotImplementedError

    def consoles(self) -> Collection[Path]:
        """Return the files in which VMs' consoles are."""
        raise NotImplementedError

    def end_cloud(self) -> None:
        """End what runs at the cloud."""
        raise NotImplementedError

    # What a user does

    def vmdirac(self, *arguments: str, code: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line to its end, which must have this exit code."""
        command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(self.home.root), *arguments]
        done = subprocess.run(
            command, env=environment(), capture_output=True, text=True, check=False, timeout=120, **more
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def json(self, *arguments: str) -> Any:
        """Return what a command prints with `--json`."""
        return json.loads(self.vmdirac(*arguments, "--json").stdout)

    def submit(self, script: str, *, vo: str = "alpha", count: int = 1, cores: int = 1) -> list[int]:
        """Submit jobs whose payload is this bash script; return their ids."""
        folder = self.home.root.parent
        (folder / "job.sh").write_text(f"#!/bin/bash\n{script}\n")
        jdl = f"""[ JobName = "test"; Executable = "job.sh"; InputSandbox = {{"job.sh"}};
            OutputSandbox = {{"std.out", "std.err"}}; CPUTime = 300; NumberOfProcessors = {cores}; ]"""
        done = job_operations.submit(self.ctx, jdl, folder=folder, where="test", actor="test", vo=vo, count=count)
        return [job.id for job in done]

    # What is so

    def job(self, job_id: int) -> Job:
        """Return a job."""
        with self.ctx.ledger.read() as tx:
            found = tx.jobs.get(job_id)
        assert found is not None
        return found

    def states_of(self, ids: list[int]) -> set[JobState]:
        """Return the states these jobs are in."""
        return {self.job(job_id).state for job_id in ids}

    def vms(self, *states: VmState) -> list[Vm]:
        """Return the VMs in these states, given none in all."""
        with self.ctx.ledger.read() as tx:
            return tx.vms.in_states(states or tuple(VmState))

    def batches(self, kind: BatchKind = BatchKind.LAUNCH) -> list[Batch]:
        """Return all batches of a kind."""
        with self.ctx.ledger.read() as tx:
            return tx.batches.in_states(tuple(BatchState), kind=kind)

    def reasons(self, queue: str) -> list[str]:
        """Return the codes of the reasons why a queue's jobs wait."""
        with self.ctx.ledger.read() as tx:
            return [span.reason.code for span in tx.reasons.holding(f"queue:{queue}")]

    def topics(self) -> Counter[str]:
        """Return how many events of each topic there are."""
        with self.ctx.ledger.read() as tx:
            return Counter(event.topic for event in tx.events.after(0, limit=100_000))

    def retired(self) -> bool:
        """Tell whether the fleet is over: no VM that lives, no instance at the cloud."""
        with self.ctx.ledger.read() as tx:
            living = [vm for vm in tx.vms.in_states(tuple(VmState)) if not _over(vm)]
        return not living and not self.living()

    def until(self, true: Callable[[], object], *, seconds: float = 60.0, what: str = "the condition") -> None:
        """Wait until something is so; when it does not become so, show the logs."""
        try:
            until(true, seconds=seconds, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    def until_done(self, ids: list[int], *, seconds: float = 120.0) -> None:
        """Wait until these jobs are Done."""
        self.until(lambda: self.states_of(ids) == {JobState.DONE}, seconds=seconds, what=f"jobs {ids} Done")

    def until_retired(self, *, seconds: float = 120.0) -> None:
        """Wait until the fleet is over."""
        self.until(self.retired, seconds=seconds, what="every VM Halted and the cloud empty")

    def running_job(self, job_id: int) -> str:
        """Wait until a job's payload runs; return its VM."""
        self.until(lambda: self.job(job_id).state is JobState.RUNNING, what=f"job {job_id} Running")
        return self.job(job_id).vm

    def story(self) -> str:
        """Return the state of things and the ends of the logs."""
        lines = [f"{vm.id} {vm.state} {vm.instance_id} {vm.reason}" for vm in self.vms()]
        lines += [f"{batch.id} {batch.kind} {batch.state} {batch.error_text}" for batch in self.batches()]
        with self.ctx.ledger.read() as tx:
            lines += [f"job {job.id} {job.state} {job.attempt} {job.vm} {job.minor}" for job in tx.jobs.find()]
        logs = [*self.home.logs.glob("*.log"), *(self.home.runs / "failed").glob("*"), *self.consoles()]
        return "\n".join(lines + [f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs])

    # What happens to its processes

    def start(self, *names: str) -> None:
        """Start services."""
        marks = {MARK: str(self.home.root), HOME_VARIABLE: str(self.home.root)}
        for name in names:
            command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(self.home.root), SERVICES[name]]
            with (self.home.logs / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    command,
                    env=environment() | marks,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a service a signal."""
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """Kill -9 a service, and see it dead."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(timeout=STOP_SECONDS)

    def stop(self, name: str) -> int:
        """End a service politely; return its exit code."""
        process = self.processes.pop(name)
        process.terminate()
        return process.wait(timeout=STOP_SECONDS)

    def run_processes(self, program: str) -> list[int]:
        """Return the processes of the scheduler's Ansible runs in whose command line `program` stands."""
        marks = [f"VMDIRAC_RUN={folder.name}" for folder in self.home.runs.glob("run-*")]
        return of_program(program, [pid for mark in marks for pid in marked(mark)])

    def vm_processes(self, vm_id: str, program: str) -> list[int]:
        """Return the processes of a VM in whose command line `program` stands."""
        (vm,) = (vm for vm in self.vms() if vm.id == vm_id)
        return of_program(program, marked(f"VMDIRAC_INSTANCE={vm.instance_id}"))

    def unread_by_manager(self) -> bool:
        """Tell whether something was sent to the manager's VM listener that it has not read."""
        port = f":{self.ctx.settings.vm_port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return any(row[1].endswith(port) and row[3] == "01" and int(row[4].split(":")[1], 16) for row in rows)

    def payload_processes(self, vm_id: str) -> list[int]:
        """Return the processes of all payloads on a VM."""
        return [process.pid for process in speaking_of([f"VMDIRAC_JOB={vm_id}/".encode()])]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the ledger's write lock: whoever wants to write waits."""
        with contextlib.closing(sqlite3.connect(self.home.database, isolation_level=None, timeout=30)) as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            yield

    def end(self) -> None:
        """Stop everything and check that nothing is left."""
        try:
            codes = {name: self.stop(name) for name in reversed(list(self.processes))}
        finally:
            for process in self.processes.values():
                process.kill()
            self.end_cloud()
        assert set(codes.values()) <= {0}, f"services ended with {codes}\n{self.story()}"
        assert remains(self.home.root, self.every_instance()) == []


def _over(vm: Vm) -> bool:
    return vm.state is VmState.HALTED or (vm.state is VmState.FAILED and not vm.instance_id)


def inventory_of(name: str, endpoint: Mapping[str, Any], pool: Mapping[str, Any]) -> dict[str, Any]:
    """Return an inventory of one alike pool for each of three VOs on one endpoint."""
    pools = {f"{vo}-2core": dict(pool) for vo in VOS}
    groups: dict[str, Any] = {f"endpoint_{name}": {"hosts": pools, "vars": dict(endpoint)}}
    for vo in VOS:
        groups[f"vo_{vo}"] = {"hosts": {f"{vo}-2core": {}}, "vars": {"vo_groups": [f"{vo}_user"]}}
    return {"all": {"children": groups}}


@contextlib.contextmanager
def initialised(
    folder: Path, content: Mapping[str, Any], settings: Mapping[str, Any] | None
) -> Iterator[tuple[Home, Installation]]:
    """Make and open a home with an inventory in an empty folder; `settings` are more keys of `vmdirac.yml`."""
    home, (vm_port, people_port) = Home(folder / "home"), free_ports()
    (folder / "inventory.yml").write_text(yaml.safe_dump(dict(content)))
    given = {"vm_port": vm_port, "people_port": people_port, "cycle_seconds": 2.0, **(settings or {})}
    init(home, Settings(inventory="../inventory.yml", **given))
    with open_installation(home) as ctx:
        yield home, ctx
