"""A manager on loopback and the real bundle as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.manager import ManagerDouble
from tests.doubles.vm import VmProcess
from vmdirac_py.worker import bundle


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, built once."""
    folder = tmp_path_factory.mktemp("static")
    return folder / bundle.build(folder)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ManagerDouble]:
    """A manager that listens until the test's end."""
    double = ManagerDouble(tmp_path)
    yield double
    double.stop()


Start = Callable[..., VmProcess]


@pytest.fixture
def start(tmp_path: Path, pyz: Path, manager: ManagerDouble) -> Iterator[Start]:
    """Start a worker; whatever is left of it is killed at the end."""
    started: list[VmProcess] = []

    def run(python: str = sys.executable, **changes: Any) -> VmProcess:
        started.append(VmProcess(tmp_path, pyz, manager, python, **changes))
        return started[-1]

    yield run
    for vm in started:
        if vm.process.poll() is None:
            vm.process.terminate()
            try:
                vm.process.wait(10)
            except subprocess.TimeoutExpired:
                vm.kill()
