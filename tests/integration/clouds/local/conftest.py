"""Real servers with real VMs, started by whoever runs the tests and, as root, by an ordinary user too."""

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
from pathlib import Path
from typing import Any

import pytest
import yaml

from vmdirac_py.base.processes import marked
from vmdirac_py.clouds.api import Instance, LaunchRequest, Mark, Unavailable
from vmdirac_py.clouds.local import LocalEndpoint, connect, set_faults, start_server, stop_server
from vmdirac_py.clouds.local.places import server_pid
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

OURS = "inst-ours"
REPOSITORY = Path(__file__).parents[4]
POOL = Pool("pool-1", "local", "vo-1", "site", "two-core", "host", Resources(cores=2, ram_mb=512))


def until(true: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Return what `true` returns once it is true; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.02)
    return value


def cloud_config(script: str = "exec sleep 600", **document: Any) -> bytes:
    """Return user data that runs a shell script (or what is given)."""
    files = [{"path": "/opt/test/boot.sh", "content": script, "permissions": "0755"}]
    document = document or {"write_files": files, "runcmd": [["sh", "/opt/test/boot.sh"]]}
    return f"#cloud-config\n{yaml.safe_dump(document)}".encode()


class Cloud:
    """A server with a state directory of its own."""

    def __init__(self, state: Path, *, as_nobody: bool = False, namespaces: bool = True) -> None:
        self.state = state
        self._as_nobody = as_nobody
        self._namespaces = namespaces
        self._numbers = itertools.count(1)
        self.endpoint = self.endpoint_of(OURS)

    def start(self, **options: Any) -> int:
        """Start the server and return its pid."""
        if not self._as_nobody:
            return start_server(self.state, namespaces=self._namespaces, **options)
        return self._start_as_nobody()

    def _start_as_nobody(self) -> int:
        flags = [] if self._namespaces else ["--no-namespaces"]
        command = [*drop_to_nobody(), python_for_nobody(), "-m", "vmdirac_py.clouds.local", "--state", str(self.state)]
        with (self.state.parent / "log").open("ab") as log:
            path = {"PATH": "/usr/bin:/bin", "HOME": str(self.state.parent), "PYTHONPATH": python_path()}
            subprocess.run(["setsid", "--fork", *command, *flags], env=path, stdout=log, stderr=log, check=True)
        until(self.answers)
        return self.pid()

    def answers(self) -> bool:
        """Tell whether the server answers."""
        try:
            self.endpoint.limits()
        except Unavailable:
            return False
        return True

    def pid(self) -> int:
        """Return the server's pid."""
        pid = server_pid(self.state)
        assert pid is not None
        return pid

    def kill_server(self) -> None:
        """SIGKILL the server and wait until it is gone."""
        os.kill(self.pid(), signal.SIGKILL)
        until(lambda: server_pid(self.state) is None)

    def endpoint_of(self, installation: str) -> LocalEndpoint:
        """Return the driver as an installation has it."""
        described = Endpoint("local", "local", "site", client_timeout=20.0, options={"state": str(self.state)})
        return connect(described, installation_id=installation, resolve=str, home=self.state)

    def request(self, count: int = 1, data: bytes | None = None, batch: str = "") -> LaunchRequest:
        """Return a launch request of a batch of its own."""
        mark = Mark(OURS, batch or f"batch-{next(self._numbers)}", "vo-1", POOL.name)
        return LaunchRequest(mark, POOL, [f"vm-{n}" for n in range(count)], data or cloud_config())

    def launch(self, script: str = "exec sleep 600", *, count: int = 1, data: bytes | None = None) -> list[Instance]:
        """Launch VMs that run a shell script, or other user data."""
        return list(self.endpoint.launch(self.request(count, data or cloud_config(script))).launched)

    def state_of(self, instance: Instance | str) -> str:
        """Return an instance's state, or nothing."""
        wanted = instance if isinstance(instance, str) else instance.id
        return next((found.state for found in self.endpoint.instances() if found.id == wanted), "")

    def run(self, script: str) -> str:
        """Run a shell script in a VM to its end and return the console."""
        (instance,) = self.launch(script)
        until(lambda: self.state_of(instance) == "stopped")
        return self.endpoint.console(instance.id)

    def booted(self, instance: Instance) -> bool:
        """Tell whether the VM's init has spoken."""
        return f"{instance.id} at" in self.endpoint.console(instance.id)

    def fault(self, **fault: Any) -> None:
        """Set one fault."""
        set_faults(self.state, fault)

    def end(self) -> None:
        """End the VMs and the server, and check that nothing is left of them."""
        instances = [path.stem for path in (self.state / "records").glob("*.json")]
        if server_pid(self.state) is None and instances:
            self.start()
        stop_server(self.state, terminate=True)
        assert [pid for instance in instances for pid in marked(f"VMDIRAC_INSTANCE={instance}")] == []
        assert str(self.state) not in Path("/proc/mounts").read_text()
        assert list((self.state / "disks").glob("*")) == []


def drop_to_nobody() -> list[str]:
    """Return what makes a command run as an ordinary user."""
    entry = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]


def python_path() -> str:
    """Return a module search path with this checkout and PyYAML."""
    return os.pathsep.join((str(REPOSITORY), str(Path(yaml.__file__).parents[1])))


def python_for_nobody() -> str:
    """Return an interpreter that an ordinary user can run the server with."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [*drop_to_nobody(), python, "-c", "import vmdirac_py.clouds.local.server, tomllib"]
        found = subprocess.run(command, env={"PYTHONPATH": python_path()}, capture_output=True, cwd="/", check=False)
        if found.returncode == 0:
            return python
    return pytest.skip("no interpreter here that an ordinary user may run")


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a directory the VMs' user can reach (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="vmdirac-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def ways() -> list[Any]:
    """Return who starts a server: we, and as root also an ordinary user."""
    root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
    return [pytest.param(False, id="self"), pytest.param(True, id="nobody", marks=root)]


@pytest.fixture(params=ways())
def cloud(request: pytest.FixtureRequest, place: Path) -> Iterator[Cloud]:
    """Return a running cloud with namespace VMs."""
    yield from running(place, as_nobody=request.param)


@pytest.fixture(params=ways())
def plain_cloud(request: pytest.FixtureRequest, place: Path) -> Iterator[Cloud]:
    """Return a running cloud with process groups only."""
    yield from running(place, as_nobody=request.param, namespaces=False)


@pytest.fixture(params=[True, False], ids=["namespaces", "groups"])
def either(request: pytest.FixtureRequest, place: Path) -> Iterator[Cloud]:
    """Return a running cloud of each way to run VMs."""
    yield from running(place, namespaces=request.param)


@pytest.fixture
def own_cloud(place: Path) -> Iterator[Cloud]:
    """Return a running cloud started by whoever runs the tests."""
    yield from running(place)


def running(place: Path, **options: Any) -> Iterator[Cloud]:
    """Start a cloud, and end it."""
    if options.get("as_nobody"):
        shutil.chown(place, "nobody")
    made = Cloud(place / "cloud", **options)
    made.start()
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    """Return the deadline helper."""
    return until


@pytest.fixture(name="cloud_config")
def cloud_config_fixture() -> Callable[..., bytes]:
    """Return the maker of user data."""
    return cloud_config
