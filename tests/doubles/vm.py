"""The real bundle as a process, and the jobs it is given."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.manager import ManagerDouble
from vmdirac_py.worker.wire import Config, Work

TOKEN = "right-token"


def oldest_python() -> str | None:
    """Return a Python 3.9 when this machine has one."""
    found = shutil.which("python3.9")
    pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob("3.9*/bin/python3.9"))
    return str(pyenv[-1]) if pyenv else found


class VmProcess:
    """A worker process with its configuration and work folder; `inside`: what its command is started with."""

    def __init__(
        self, folder: Path, pyz: Path, double: ManagerDouble, python: str, *, inside: Sequence[str] = (), **changes: Any
    ) -> None:
        self.folder, self.work_dir = folder, folder / "vm"
        self.config_file, self.log_file = folder / "config.json", folder / "log"
        self._command = [*inside, python, "-I", str(pyz), str(self.config_file)]
        (folder / "instance-id").write_text("i-1\n")
        config = Config(
            manager=double.url,
            ca=double.authority.pem,
            token=TOKEN,
            instance_id_file=str(folder / "instance-id"),
            cores=4,
            ram_mb=4000,
            gpus=0,
            heartbeat_seconds=0.2,
            idle_seconds=60.0,
            max_life=600.0,
            inner_ce="Pool",
            bind_address="127.0.0.1",
            work_dir=str(self.work_dir),
            ce={},
            stop_policies={},
            hs06=0.0,
            failed="",
            gate={},
            pilot={},
            notice="",
        )
        self.config_file.write_text(json.dumps(config._replace(**changes)._asdict()))
        self.process: subprocess.Popen[bytes]
        self.start()

    def change(self, **changes: Any) -> None:
        """Change its configuration for the next start."""
        self.config_file.write_text(json.dumps({**json.loads(self.config_file.read_text()), **changes}))

    def start(self) -> None:
        """Start (again)."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log, stdout=log)

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self.log_file.read_text()

    def ended(self, seconds: float = 20.0) -> int:
        """Return its exit code, once it has ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the worker did not end:\n{self.log}")

    def wait_log(self, text: str, seconds: float = 20.0) -> None:
        """Wait until the log holds `text`."""
        until = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < until, f"{text!r} not in the log:\n{self.log}"
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill -9 the worker alone."""
        self.process.kill()
        self.process.wait()


def work(job: int, executable: str, arguments: str = "", **changes: Any) -> dict[str, Any]:
    """Return a job as the manager sends it."""
    made = Work(
        job=job,
        attempt=1,
        cores=1,
        executable=executable,
        arguments=arguments,
        stdout="std.out",
        stderr="std.err",
        input_sandbox=False,
        output_sandbox=[],
        environment={},
        cpu_seconds=60,
        ram_mb=100,
    )
    return made._replace(**changes)._asdict()


def waits_for(job: int, flag: Path, **changes: Any) -> dict[str, Any]:
    """Return a job that runs until the file `flag` is there."""
    return work(job, "sh", f"-c 'while [ ! -e {flag} ]; do sleep 0.05; done; echo seen'", **changes)


def tar_of(files: Mapping[str, str | bytes], mode: int = 0o644) -> bytes:
    """Return a tar.gz of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            data = text.encode() if isinstance(text, str) else text
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def texts_of(archive: bytes) -> dict[str, str]:
    """Return the files of a tar.gz as text."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {m.name: tar.extractfile(m).read().decode() for m in tar.getmembers() if m.isreg()}  # type: ignore[union-attr]
