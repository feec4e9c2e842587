"""The suite every driver passes. It knows `CloudEndpoint` and, per driver, one entry `endpoints/KIND.py`.

An entry offers `lab(folder)`, a context manager giving a `Lab` over a fresh cloud and leaving nothing behind.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest
import yaml

from vmdirac_py.clouds.api import CloudEndpoint, LaunchRequest, Mark
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool

ENTRIES = sorted(Path(__file__).with_name("endpoints").glob("*.py"))
OURS, THEIRS = "inst-ours", "inst-theirs"


class Lab(Protocol):
    """A fresh cloud with room for `max_vms` VMs of `pool`, whose faults can be ordered."""

    pool: Pool
    max_vms: int
    max_user_data: int
    idempotent: bool
    """Whether a repeated launch gets its first answer (the cloud has a client token)."""

    def endpoint(self, installation: str, *, timeout: float = 30.0) -> CloudEndpoint:
        """Return the driver as an installation has it."""

    def refuse(self, call: str, error_class: ErrorClass) -> None:
        """Let the next such call fail with this class."""

    def refuse_some(self, refused: int) -> None:
        """Let the next launch refuse so many for lack of capacity."""

    def hang(self, call: str, seconds: float, *, when: str) -> None:
        """Let the next such call wait, before or after acting."""

    def lose_answer(self, call: str) -> None:
        """Let the next such call act and give no answer."""

    def lag(self, seconds: float) -> None:
        """Hide instances younger than this from listings."""

    def cut_listing(self) -> None:
        """Let listings be incomplete, and say so."""

    def mend(self) -> None:
        """End every fault."""

    def stop(self) -> None:
        """Make the cloud unreachable."""

    def user_data_of(self, endpoint: CloudEndpoint, instance: str) -> bytes:
        """Return the user data the cloud gave this instance."""


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"conformance_endpoint_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=ENTRIES, ids=[path.stem for path in ENTRIES])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """Return a fresh cloud of each kind."""
    with _load(request.param).lab(tmp_path) as made:
        yield made


@pytest.fixture
def ours(lab: Lab) -> CloudEndpoint:
    """Return our endpoint."""
    return lab.endpoint(OURS)


@pytest.fixture
def theirs(lab: Lab) -> CloudEndpoint:
    """Return the endpoint of another installation on the same cloud."""
    return lab.endpoint(THEIRS)


@pytest.fixture
def user_data() -> Callable[..., bytes]:
    """Return a maker of user data whose VM stays up; `size` pads it to exactly so many bytes."""

    def make(text: str = "", *, size: int = 0) -> bytes:
        document = {
            "write_files": [{"path": "/opt/conformance/text", "content": text, "permissions": "0644"}],
            "runcmd": [["sleep", "600"]],
        }
        made = f"#cloud-config\n{yaml.safe_dump(document, allow_unicode=True)}".encode()
        return made if size <= len(made) else made + b"#" + b"x" * (size - len(made) - 2) + b"\n"

    return make


@pytest.fixture
def ask(lab: Lab, user_data: Callable[..., bytes]) -> Callable[..., LaunchRequest]:
    """Return a maker of launch requests, each of a batch of its own."""
    numbers = count(1)

    def make(vms: int = 1, *, installation: str = OURS, data: bytes | None = None, **changes: str) -> LaunchRequest:
        number = next(numbers)
        mark = replace(Mark(installation, f"batch-{number}", "vo-1", lab.pool.name), **changes)
        names = [f"vm-{number}-{n}" for n in range(vms)]
        return LaunchRequest(mark, lab.pool, names, user_data() if data is None else data)

    return make
