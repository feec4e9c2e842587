"""A whole installation with real processes, as `vmdirac up` runs them, but one by one in a test's hands.

with running(tmp_path) as here:                    # home, embedded cloud, manager and scheduler, all fast
    (job,) = here.submit("echo hello")             # a real payload
    here.until(lambda: here.job(job).state is JobState.DONE)
    here.kill("scheduler"); here.start("scheduler")
At the end everything is stopped, and it is checked that nothing of it is left on this machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support.wait import until
from vmdirac_py import installation
from vmdirac_py.base.processes import marked
from vmdirac_py.base.settings import HOME_VARIABLE, Home, Settings
from vmdirac_py.cli.stack import MARK
from vmdirac_py.clouds.local import set_faults, start_server, state_of, stop_server
from vmdirac_py.clouds.local.places import LOG, server_pid
from vmdirac_py.clouds.local.records import Record, Store
from vmdirac_py.installation import Installation, open_installation
from vmdirac_py.model.batch import Batch, BatchKind, BatchState
from vmdirac_py.model.job import Job, JobState
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations import jobs as job_operations

TOP = Path(__file__).resolve().parents[2]
SERVICES = {"manager": "serve", "scheduler": "run"}
VOS = ("alpha", "beta", "gamma")
STOP_SECONDS = 30.0
POOL = {
    "pool_flavor": "local.2core",
    "pool_image": "host",
    "pool_cores": 2,
    "pool_ram_mb": 2000,
    "pool_boot_seconds": 3,
    "pool_boot_deadline": 30,
    "pool_heartbeat_seconds": 0.5,
    "pool_stalled_after": 30,
    "pool_idle_seconds": 1.5,
    "pool_drain_seconds": 60,
    "pool_max_life": 7200,
}
ENDPOINT = {
    "endpoint_kind": "local",
    "endpoint_site": "CLOUD.Local.here",
    "endpoint_max_vms": 6,
    "endpoint_ramp": 4,
    "endpoint_listing_seconds": 1,
    "endpoint_client_timeout": 6,
    "endpoint_listing_lag": 1,
    "endpoint_options": {"state": "cloud"},
}


def environment() -> dict[str, str]:
    """Return the environment in which this checkout's program runs, whatever else is installed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VMDIRAC_", "ANSIBLE_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**clean, "PYTHONPATH": str(TOP), "PATH": path}


def free_ports() -> tuple[int, int]:
    """Return two ports nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def inventory(**keys: Any) -> dict[str, Any]:
    """Return an inventory of one small pool for each of three VOs on one embedded cloud; `keys` are set over it."""
    pools = {f"{vo}-2core": POOL | {key: value for key, value in keys.items() if key.startswith("pool_")} for vo in VOS}
    endpoint = ENDPOINT | {key: value for key, value in keys.items() if key.startswith("endpoint_")}
    groups: dict[str, Any] = {"endpoint_here": {"hosts": pools, "vars": endpoint}}
    for vo in VOS:
        groups[f"vo_{vo}"] = {"hosts": {f"{vo}-2core": {}}, "vars": {"vo_groups": [f"{vo}_user"]}}
    return {"all": {"children": groups}}


class Gate:
    """A port of this machine, which payloads can reach, and behind which they wait until it is opened.

    Only its word lets them pass: a connection alone proves nothing, a socket may even connect to itself.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        ask = f"exec 3<>/dev/tcp/127.0.0.1/{port} && head -n 1 <&3"
        self.wait = f'until [ "$(timeout 2 bash -c "{ask}" 2>/dev/null)" = open ]; do sleep 0.2; done'
        """What a payload says to wait here."""

    def open(self) -> None:
        """Let all payloads pass, now and later."""
        self._socket.listen(64)
        threading.Thread(target=self._greet, daemon=True).start()

    def _greet(self) -> None:
        with contextlib.suppress(OSError):  # closed: nobody waits any more
            while True:
                guest, _ = self._socket.accept()
                with guest, contextlib.suppress(OSError):
                    guest.sendall(b"open\n")

    def __enter__(self) -> Self:
        """Return the closed gate."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the port back."""
        self._socket.close()


@dataclass
class Here:
    """A running installation."""

    home: Home
    ctx: Installation
    cloud: Path
    """The embedded cloud's folder."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def inventory_file(self) -> Path:
        """The inventory."""
        return self.home.root.parent / "inventory.yml"

    def write_inventory(self, content: Mapping[str, Any]) -> None:
        """Replace the inventory."""
        self.inventory_file.write_text(yaml.safe_dump(dict(content)))

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

    def instances(self) -> list[Record]:
        """Return the living instances, as the cloud remembers them."""
        return [record for record in Store(self.cloud).records().values() if record.lives]

    def launched(self) -> Counter[str]:
        """Return how many instances the cloud ever started for each batch."""
        every = (record for launch in Store(self.cloud).launches() for record in launch.instances)
        return Counter(record.mark["batch"] for record in every)

    def create_calls(self) -> Counter[str]:
        """Return how many create calls reached the cloud for each batch."""
        text = (self.cloud / LOG).read_text()
        return Counter(re.findall(r"launch asked for: '(b-[0-9a-f]+)'", text))

    def retired(self) -> bool:
        """Tell whether the fleet is over: no VM that lives, no instance at the cloud."""
        with self.ctx.ledger.read() as tx:
            living = [vm for vm in tx.vms.in_states(tuple(VmState)) if not _over(vm)]
        return not living and not self.instances()

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
        logs = [*self.home.logs.glob("*.log"), *(self.home.runs / "failed").glob("*"), *self.cloud.glob("consoles/*")]
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

    def start_cloud(self, *, namespaces: bool = True) -> None:
        """Start the embedded cloud."""
        start_server(self.cloud, hidden=[self.home.root], namespaces=namespaces)

    def kill_cloud(self) -> None:
        """Kill -9 the embedded cloud's server, and see it dead; its VMs live on."""
        pid = server_pid(self.cloud)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: server_pid(self.cloud) is None, what="the cloud's server dead")

    def fault(self, **fault: Any) -> None:
        """Order a fault at the cloud."""
        set_faults(self.cloud, fault)

    def hang(self, call: str, seconds: float, *, when: str) -> None:
        """Let the next such call of the cloud hang."""
        self.fault(kind="hang", call=call, seconds=seconds, when=when)

    def run_processes(self, program: str) -> list[int]:
        """Return the processes of the scheduler's Ansible runs in whose command line `program` stands."""
        marks = [f"VMDIRAC_RUN={folder.name}" for folder in self.home.runs.glob("run-*")]
        return _of_program(program, [pid for mark in marks for pid in marked(mark)])

    def vm_processes(self, vm_id: str, program: str) -> list[int]:
        """Return the processes of a VM in whose command line `program` stands."""
        (vm,) = (vm for vm in self.vms() if vm.id == vm_id)
        return _of_program(program, marked(f"VMDIRAC_INSTANCE={vm.instance_id}"))

    def unread_by_manager(self) -> bool:
        """Tell whether something was sent to the manager's VM listener that it has not read."""
        port = f":{self.ctx.settings.vm_port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return any(row[1].endswith(port) and row[3] == "01" and int(row[4].split(":")[1], 16) for row in rows)

    def payload_processes(self, vm_id: str) -> list[int]:
        """Return the processes of all payloads on a VM."""
        return [process.pid for process in _speaking_of([f"VMDIRAC_JOB={vm_id}/".encode()])]

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
            self._end_cloud()
        assert set(codes.values()) <= {0}, f"services ended with {codes}\n{self.story()}"
        assert remains(self.home.root, self.cloud) == []

    def _end_cloud(self) -> None:
        for process in self.processes.values():
            process.kill()
        if server_pid(self.cloud) is None:
            self.start_cloud()
        set_faults(self.cloud, clear=True)
        stop_server(self.cloud, terminate=True)


def _of_program(program: str, pids: list[int]) -> list[int]:
    def line(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""

    return [pid for pid in pids if program in line(pid)]


def _over(vm: Vm) -> bool:
    return vm.state is VmState.HALTED or (vm.state is VmState.FAILED and not vm.instance_id)


def remains(home: Path, cloud: Path) -> list[str]:
    """Return what is left on this machine of an installation: processes that speak of it or of its VMs, mounts."""
    launches = Store(cloud).launches() if cloud.exists() else []
    marks = [f"VMDIRAC_INSTANCE={record.id}".encode() for launch in launches for record in launch.instances]
    found = [f"process {process.pid} {process.text!r}" for process in _speaking_of([f"{home}".encode(), *marks])]
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(home) in line]
    return found + mounts


@dataclass(frozen=True, slots=True)
class Process:
    """A process, its environment and command line."""

    pid: int
    text: bytes


def _speaking_of(words: list[bytes]) -> list[Process]:
    """Return the processes, but ourselves, in whose environment or command line one of these words stands."""
    others = (process for process in _processes() if process.pid != os.getpid())
    return [process for process in others if any(word in process.text for word in words)]


def _processes() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            yield Process(int(folder.name), text)


@contextlib.contextmanager
def made(folder: Path, *, settings: Mapping[str, Any] | None = None, **keys: Any) -> Iterator[Here]:
    """Make an installation, nothing of which runs yet; at the end nothing of it is left.

    Args:
        folder: an empty one, for home and inventory.
        settings: more keys of `vmdirac.yml`.
        keys: of the inventory, for all its pools or its endpoint.
    """
    home, (vm_port, people_port) = Home(folder / "home"), free_ports()
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory(**keys)))
    given = {"vm_port": vm_port, "people_port": people_port, "cycle_seconds": 2.0, **(settings or {})}
    installation.init(home, Settings(inventory="../inventory.yml", **given))
    with open_installation(home) as ctx:
        here = Here(home, ctx, state_of(ctx.inventory().endpoints["here"], home.root))
        try:
            yield here
        finally:
            here.end()


@contextlib.contextmanager
def running(folder: Path, *, settings: Mapping[str, Any] | None = None, **keys: Any) -> Iterator[Here]:
    """Make an installation and run all of it."""
    with made(folder, settings=settings, **keys) as here:
        here.start_cloud()
        here.start("manager", "scheduler")
        yield here
