"""A bed's network: a switch in a namespace of its own, the host at .1, guests from .10 on, and no way out."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from tests.support.program import TOP, environment
from tests.testbeds.common.errors import Broke, Cannot

INSIDE = Path(__file__).with_name("inside")
NUMBERS = range(1, 200)
LOCKS = Path("/run/vmdirac-vmbed-")  # of the whole machine, as the names of its interfaces are
FIRST_GUEST = 10
UP_SECONDS, LOOK_SECONDS = 20.0, 0.02


class Network:
    """The switch of 10.213.`number`.0/24; made by `network`.

    Args:
        switch: the pid of its process.
        metadata: where the metadata server finds `GUEST.json`.
    """

    def __init__(self, number: int, switch: int, metadata: Path) -> None:
        self.number, self.metadata = number, metadata
        self._switch = switch
        self._guests = 0

    @property
    def host(self) -> str:
        """The machine's address in this network."""
        return f"10.213.{self.number}.1"

    def address(self, guest: int) -> str:
        """Return a guest's address by its number."""
        return f"10.213.{self.number}.{guest}"

    def next_guest(self) -> int:
        """Return a number no guest had yet."""
        self._guests += 1
        return FIRST_GUEST + self._guests - 1

    def plug(self, pid: int, guest: int) -> None:
        """Put `eth0` into the network namespace of a process, its other end on the switch."""
        port = f"guest{guest}"
        run("ip", "link", "add", "eth0", "netns", pid, "type", "veth", "peer", "name", port, "netns", self._switch)
        self._connect(port)

    def plug_host(self) -> None:
        """Give the machine its address."""
        name = f"vmbed{self.number}"
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "host", "netns", self._switch)
        self._connect("host")
        run("ip", "addr", "add", f"{self.host}/24", "dev", name)
        run("ip", "link", "set", name, "up")

    def _connect(self, port: str) -> None:
        run("nsenter", "-t", self._switch, "-n", "ip", "link", "set", port, "master", "switch", "up")


@contextlib.contextmanager
def network(folder: Path, marks: Mapping[str, str]) -> Iterator[Network]:
    """Make a network nobody else uses, with the metadata server of what lies in `folder`/metadata."""
    metadata = folder / "metadata"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "up").unlink(missing_ok=True)
    with _number() as number:
        server = [sys.executable, "-m", "tests.doubles.metadata", metadata]
        command = ["unshare", "--net", INSIDE / "switch.sh", str(number), *server]
        with (folder / "switch.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=TOP, env=environment() | marks, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            _until_up(process, metadata / "up")
            made = Network(number, process.pid, metadata)
            made.plug_host()
            yield made
        finally:
            process.kill()
            process.wait()


def run(*words: object) -> None:
    """Run a program; raise `Broke` with its words when it fails."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broke(f"{' '.join(map(str, words))}: {done.stderr.strip()}")


@contextlib.contextmanager
def _number() -> Iterator[int]:
    """Hold the first number that nobody holds; the lock goes with its process, however that ends."""
    found = next(((number, lock) for number in NUMBERS if (lock := _locked(number))), None)
    if found is None:
        raise Cannot(f"{len(NUMBERS)} beds run already")
    with found[1]:
        yield found[0]


def _locked(number: int) -> TextIO | None:
    lock = LOCKS.with_name(f"{LOCKS.name}{number}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _until_up(process: subprocess.Popen[bytes], flag: Path) -> None:
    end = time.monotonic() + UP_SECONDS
    while not flag.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise Broke("the switch did not come up", where=str(flag.parent.parent / "switch.log"))
        time.sleep(LOOK_SECONDS)
