"""Real payloads in real inner CEs, without a manager."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.vm import work
from vmdirac_py.worker.ce import IN_PROCESS, SINGULARITY, SUDO, Outcome
from vmdirac_py.worker.element import ELEMENTS
from vmdirac_py.worker.grounds import Errands, Grounds
from vmdirac_py.worker.options import Options
from vmdirac_py.worker.payload import CannotRun
from vmdirac_py.worker.processes import marked, of_user
from vmdirac_py.worker.run import Run
from vmdirac_py.worker.wire import Credential, Slot, Work

KINDS = (IN_PROCESS, SUDO, SINGULARITY)
ACCOUNTS = f"vmdt{os.getpid()}"
STAND_IN = Path(__file__).parents[1] / "doubles" / "apptainer"
SECONDS = 60.0
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes unix users and control groups")


class Bench:
    """An inner CE of a kind, with a watcher that remembers the last end of each job."""

    def __init__(self, folder: Path, kind: str = IN_PROCESS, options: Options | None = None, **more: Any) -> None:
        self.folder, self.kind = folder, kind
        self.sandbox, self.owner = b"", Credential("", "", "")
        self.was_started, self.has_ended, self.is_gone = threading.Event(), threading.Event(), threading.Event()
        self.outcome: Outcome | None = None
        self.options = options or Options()
        grounds = Grounds(folder / "jobs", folder / "outputs", f"vm-{folder.name}", self.options, **more)
        self.ce = ELEMENTS[kind](grounds, Errands(self.fetch, self.credential), self)

    def fetch(self, job: Work, target: Path, _abandoned: Callable[[], bool]) -> None:
        """Give the sandbox the test set."""
        if job.executable == "refused":
            raise CannotRun("Input sandbox refused")
        target.write_bytes(self.sandbox)

    def credential(self, _job: Work, _version: str, _abandoned: Callable[[], bool]) -> Credential:
        """Give what the test set."""
        return self.owner

    def started(self, _work: Work) -> None:
        """Note the start."""
        self.was_started.set()

    def ended(self, _work: Work, outcome: Outcome) -> None:
        """Note the end."""
        self.outcome = outcome
        self.has_ended.set()

    def gone(self, _work: Work) -> None:
        """Note that a payload that was killed is gone."""
        self.is_gone.set()

    def start(self, executable: str, arguments: str = "", *, job: int = 1, **changes: Any) -> Run:
        """Start a payload in the slot of the same number, less one."""
        self.was_started.clear()
        self.has_ended.clear()
        made = Work(**work(job, executable, arguments, **changes))
        return self.ce.start(made, Slot(job, made.cores, 0.0, number=job - 1))

    def run(self, executable: str, arguments: str = "", **changes: Any) -> Outcome:
        """Run a payload to its end."""
        self.start(executable, arguments, **changes)
        assert self.has_ended.wait(SECONDS)
        assert self.outcome
        return self.outcome

    def shell(self, script: str, **changes: Any) -> Outcome:
        """Run a shell script to its end."""
        return self.run("sh", f"-c '{script}'", **changes)

    def output(self) -> dict[str, str]:
        """Return the packed output as text."""
        assert self.outcome
        with tarfile.open(self.outcome.output) as tar:
            return {m.name: tar.extractfile(m).read().decode() for m in tar.getmembers()}  # type: ignore[union-attr]

    def processes(self, job: int = 1) -> list[int]:
        """Return the payload's living processes: those with its mark, and those of its slot's user."""
        account = self.ce.account(Slot(job, 1, 0.0, number=job - 1))
        own = of_user(account.uid) if account else []
        return marked(f"VMDIRAC_JOB={self.ce.grounds.vm}/{job}.1") + own

    def groups(self) -> list[str]:
        """Return the control groups that are left of this bench."""
        return [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if f"vmdirac-{self.ce.grounds.vm}-" in folder]


@contextlib.contextmanager
def bench_of(kind: str, **options: Any) -> Iterator[Bench]:
    """Lend an inner CE with users for its slots, outside of /tmp; nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="vmdirac-test-", dir="/var/lib"))
    folder.chmod(0o711)
    if kind == SINGULARITY:
        options = {**container_options(folder), **options}
    bench = Bench(folder, kind, Options(accounts=ACCOUNTS, **options))
    try:
        assert bench.ce.problems() == []
        yield bench
    finally:
        bench.ce.leftovers()
        shutil.rmtree(folder)


def container_options(folder: Path) -> dict[str, Any]:
    """Return options for containers in an image that holds this machine's programs, by the stand-in for Apptainer."""
    need_bubblewrap()
    image, stand_in = folder / "image", folder / "apptainer"
    image.mkdir(mode=0o755)
    shutil.copy(STAND_IN, stand_in)
    for path in (folder / "image", stand_in):
        path.chmod(0o755)
    for name in ("usr", "etc"):
        (image / name).mkdir()
        (image / name).chmod(0o755)
    for name in ("bin", "sbin", "lib", "lib64"):
        (image / name).symlink_to(f"usr/{name}")
    return {"runtime": str(stand_in), "image": str(image), "binds": ("/usr:/usr:ro",)}


def need_bubblewrap() -> None:
    """Install bubblewrap, or skip the test."""
    if shutil.which("bwrap"):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("needs bubblewrap; as root: apt-get install --no-install-recommends bubblewrap")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qy", "-o", "DPkg::Lock::Timeout=900", "install", "--no-install-recommends", "bubblewrap"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"apt-get could not install bubblewrap: {done.stderr.decode()[-300:]}")


def remove_accounts(base: str = ACCOUNTS) -> None:
    """Delete the unix users that benches, or a worker, made."""
    for entry in pwd.getpwall():
        if entry.pw_name.startswith(f"{base}_"):
            subprocess.run(["userdel", entry.pw_name], capture_output=True, check=False)
    Path("/run", f"{base}.lock").unlink(missing_ok=True)
