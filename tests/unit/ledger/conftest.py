"""A ledger on SQLite and one on a private PostgreSQL server, and values to put into them."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

import vmdirac_py
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.ledger.engine import SqlLedger, open_ledger
from vmdirac_py.model.batch import Batch, BatchKind
from vmdirac_py.model.job import JobSpec, Payload
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Vm, VmState

PATIENCE = 30.0
ROOT = Path(vmdirac_py.__file__).parents[1]
TEMPLATE = "template_ledger"
_numbers = itertools.count()


def _wait_until(check: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], None]:
    """Poll until a check is true, or fail after a generous deadline."""
    return _wait_until


@dataclass(frozen=True)
class PostgresServer:
    """A server of our own, reached through a socket in its folder."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the URL of a database on it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> list[Any]:
        """Run one statement as the administrator."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return list(result) if result.returns_rows else []
        finally:
            engine.dispose()

    def answers(self) -> bool:
        """Tell whether it takes connections."""
        try:
            self.execute("SELECT 1")
        except OperationalError:
            return False
        return True


def _programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("NO POSTGRESQL HERE (initdb not found): the ledger was tested on SQLite ONLY; install postgresql")
    return folders[-1]


def _identity() -> dict[str, Any]:
    """Return how to run the server: as an ordinary user, for it refuses root."""
    if os.getuid() != 0:
        return {}
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start a private PostgreSQL server, with a template database that holds an empty ledger."""
    programs, identity, folder = _programs(), _identity(), Path(tempfile.mkdtemp(prefix="vmdirac-postgres-"))
    if identity:
        os.chown(folder, identity["user"], identity["group"])
    data = folder / "data"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--encoding=UTF8", "--locale=C"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **identity)
    settings = ["listen_addresses=", f"unix_socket_directories={folder}", "full_page_writes=off", "autovacuum=off"]
    options = ["-F", *(word for setting in settings for word in ("-c", setting))]
    with (folder / "log").open("wb") as log:
        command = [programs / "postgres", "-D", data, *options]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **identity)
    try:
        server = PostgresServer(folder)
        _wait_until(server.answers)
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        open_ledger(server.url(TEMPLATE), ManualClock(), create=True).close()
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: its data is thrown away
        process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """Make a database of the test's own and return its name."""
    name = f"ledger_{next(_numbers)}"
    (version,) = postgres_server.execute("SHOW server_version_num")[0]
    quickly = "STRATEGY file_copy" if int(version) >= 150_000 else ""
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} {quickly}")
    yield name
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a fresh database on each kind of server."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(request.getfixturevalue("postgres_database"))


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def ledger(url: str, clock: ManualClock) -> Iterator[SqlLedger]:
    """Return an empty ledger on each kind of database."""
    opened = open_ledger(url, clock, create=True)
    yield opened
    opened.close()


@pytest.fixture
def start_python() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start other Python processes with pipes; whatever still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, cwd=ROOT, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def a_batch() -> Callable[..., Batch]:
    """Return a maker of launch batches."""

    def make(**fields: Any) -> Batch:
        usual = {
            "id": "b-1",
            "kind": BatchKind.LAUNCH,
            "endpoint": "cloud",
            "pool": "pool",
            "vo": "vo",
            "wanted": 2,
            "plan": "plan-1",
            "actor": "test",
            "created_at": 100.0,
            "deadline": 200.0,
        }
        return Batch(**(usual | fields))

    return make


@pytest.fixture
def a_vm() -> Callable[..., Vm]:
    """Return a maker of VMs."""

    def make(vm_id: str, **fields: Any) -> Vm:
        usual = {
            "batch": "b-1",
            "endpoint": "cloud",
            "pool": "pool",
            "vo": "vo",
            "resources": Resources(cores=8, ram_mb=16_000, gpus=1, disk_gb=5_000_000_000),
            "state": VmState.NEW,
            "state_since": 100.0,
            "created_at": 100.0,
            "deadline": 200.0,
        }
        return Vm(id=vm_id, **(usual | fields))

    return make


@pytest.fixture
def a_spec() -> Callable[..., JobSpec]:
    """Return a maker of job specifications; `shape` is a dict of what differs from one core."""

    def make(*, shape: dict[str, Any] | None = None, **fields: Any) -> JobSpec:
        usual = {
            "name": "job",
            "vo": "vo",
            "owner": "ann",
            "group": "vo_user",
            "shape": Shape(**(shape or {})),
            "payload": Payload("/bin/true"),
        }
        return JobSpec(**(usual | fields))

    return make
