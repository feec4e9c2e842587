"""The suite every driver passes. It knows `CloudEndpoint` and, per driver, one entry `endpoints/KIND.py`.

An entry offers `lab(folder)`, a context manager giving a `Lab` (`labs.py`) over a fresh cloud and leaving nothing
behind. `--endpoint my.yml` runs the suite against a real endpoint instead (`real.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import yaml

from tests.conformance.labs import WORDS, Entry, Lab, Names, entries
from tests.support.wait import until
from vmdirac_py.base.ids import new_id
from vmdirac_py.clouds.api import CloudEndpoint, LaunchRequest, Mark

PATIENCE = 300.0  # seconds within which a real cloud shows what it did
LOOK_AGAIN = 2.0
_CAN: dict[str, frozenset[str]] = {}  # what the labs seen so far can do, so that none is made only to be skipped


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the file of a real endpoint."""
    parser.addoption("--endpoint", help="run the conformance suite against the endpoint this file describes")


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark by which a test says what its lab must be able to do."""
    config.addinivalue_line("markers", "needs(*words): skip where the lab cannot do that (tests/conformance/labs.py)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test against every entry, or against the endpoint that was named."""
    if "entry" in metafunc.fixturenames:
        chosen = _entries(metafunc.config.getoption("--endpoint", default=None))
        smokes = metafunc.definition.get_closest_marker("smoke") is not None
        params = [pytest.param(one, id=one.name, marks=_marks(one, smokes=smokes)) for one in chosen]
        metafunc.parametrize("entry", params)


def _marks(entry: Entry, *, smokes: bool) -> list[pytest.MarkDecorator]:
    return [pytest.mark.full] if entry.bed and not smokes else []


def _entries(named: str | None) -> list[Entry]:
    if named is None:
        return entries()
    from tests.conformance.real import real_entry  # noqa: PLC0415 - only who names an endpoint needs the inventory

    return [real_entry(Path(named))]


@pytest.fixture
def lab(request: pytest.FixtureRequest, entry: Entry, tmp_path: Path) -> Iterator[Lab]:
    """Return a fresh cloud of each kind that can do what the test needs."""
    needed = {word for mark in request.node.iter_markers("needs") for word in mark.args}
    assert needed <= WORDS, f"no such word: {needed - WORDS}"
    _skip_lacking(entry.name, needed, _CAN.get(entry.name, needed))
    with entry.lab(tmp_path) as made:
        _CAN[entry.name] = made.can
        _skip_lacking(entry.name, needed, made.can)
        yield made


def _skip_lacking(name: str, needed: set[str], can: frozenset[str] | set[str]) -> None:
    if lacking := sorted(needed - can):
        pytest.skip(f"{name}: its lab cannot {', '.join(lacking)}")


@pytest.fixture
def names(entry: Entry) -> Names:
    """Return the installation ids under test."""
    return entry.names


@pytest.fixture
def ours(lab: Lab, names: Names) -> CloudEndpoint:
    """Return our endpoint."""
    return lab.endpoint(names.ours)


@pytest.fixture
def theirs(lab: Lab, names: Names) -> CloudEndpoint:
    """Return the endpoint of another installation on the same cloud."""
    return lab.endpoint(names.theirs)


@pytest.fixture
def settles(lab: Lab) -> Callable[[Callable[[], bool]], None]:
    """Return an assertion: on a slow cloud something comes true before long, on any other it is true now."""

    def check(true: Callable[[], bool]) -> None:
        if lab.slow:
            until(true, seconds=PATIENCE, step=LOOK_AGAIN, what="what the cloud was asked for")
        assert true()

    return check


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
def ask(lab: Lab, names: Names, user_data: Callable[..., bytes]) -> Callable[..., LaunchRequest]:
    """Return a maker of launch requests, each of a batch of its own."""
    numbers = count(1)

    def make(vms: int = 1, *, installation: str = "", data: bytes | None = None, **changes: str) -> LaunchRequest:
        number = next(numbers)
        mark = Mark(installation or names.ours, new_id("b"), lab.pool.vo, lab.pool.name)
        vm_ids = [f"vm-{number}-{n}" for n in range(vms)]
        return LaunchRequest(replace(mark, **changes), lab.pool, vm_ids, user_data() if data is None else data)

    return make
