"""What a cloud under test offers, and where such clouds come from: the entries, or a file a third party names."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from vmdirac_py.clouds.api import CloudEndpoint
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool

ENTRIES = Path(__file__).with_name("endpoints")
OURS, THEIRS = "inst-ours", "inst-theirs"
REFUSALS = ("quota", "no_capacity", "auth", "bad_request", "throttled", "unavailable")
WORDS = frozenset(
    {*(f"refuse:{word}" for word in REFUSALS), "refuse_some", "hang", "lose", "lag", "cut", "stop", "limits"}
    | {"user_data", "foreign", "garble", "many", "shift", "console", "skew", "leave"}
)
"""What a lab may be asked to do; a test names what it needs by `@pytest.mark.needs(...)`."""
CALLS = ("launch", "list", "terminate", "limits", "console")
GARBLED = ("html", "half", "error_inside")


class Lab(Protocol):
    """A fresh cloud with room for `max_vms` VMs of `pool`, whose faults can be ordered as far as `can` names them."""

    can: frozenset[str]
    pool: Pool
    max_vms: int
    max_user_data: int
    idempotent: bool
    """Whether a repeated launch gets its first answer (the cloud has a client token)."""
    slow: bool
    """Whether instances are listed, or end, only after a while. `one_by_one`, if there: see `of_one_call`."""

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

    def foreign(self, count: int) -> set[str]:
        """Start instances in the same tenant by the cloud's own API, without a mark of ours; return their ids."""

    def garble(self, call: str, how: str) -> None:
        """Let the next such call be answered by a proxy's page, half of the body, or 200 with an error inside."""

    def many(self, count: int) -> int:
        """Put so many instances with OURS' mark (batch `batch-many`) there; return how many there are."""

    def shift(self) -> None:
        """Let instances come and go between the pages of a listing."""

    def skew(self, seconds: float) -> None:
        """Let our clock and the cloud's differ."""

    def leave(self, instance: str) -> None:
        """Let the cloud announce that it will take this instance away."""


@dataclass(frozen=True, slots=True)
class Names:
    """The installation ids under test."""

    ours: str = OURS
    theirs: str = THEIRS


@dataclass(frozen=True, slots=True)
class Entry:
    """A cloud to run the suite against: `lab` makes a fresh one in a folder.

    `bed`: it is a real one that takes long, so `make test` only asks whether it smokes (the mark `smoke`).
    """

    name: str
    lab: Callable[[Path], AbstractContextManager[Lab]]
    names: Names = Names()
    bed: bool = False


def entries() -> list[Entry]:
    """Return the entry of every driver there is, `endpoints/KIND.py`."""
    modules = {path.stem: _load(path) for path in sorted(ENTRIES.glob("*.py"))}
    return [Entry(name, module.lab, bed=getattr(module, "BED", False)) for name, module in modules.items()]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"conformance_endpoint_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_one_call(lab: Lab, wanted: int) -> int:
    """Return how many of so many VMs one call makes: one where the lab says `one_by_one`, else all of them."""
    return 1 if getattr(lab, "one_by_one", False) else wanted


def make_room(lab: Lab, vms: int) -> None:
    """Skip a test that needs more VMs than the lab has room for."""
    if lab.max_vms < vms:
        pytest.skip(f"its lab has room for {lab.max_vms} VMs, not for {vms}")
