"""A DIRAC bed's life: up from nothing, down, up again with what it held, wiped; and whom it listens to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbeds.common import processes
from tests.testbeds.dirac import LIFE, Cannot
from tests.testbeds.dirac.places import cache

pytestmark = pytest.mark.full
JDL = 'Executable="/bin/true"; CPUTime=300; Site="CLOUD.Alpha.es";'


def _silent(_: str) -> None:
    pass


@pytest.fixture
def home() -> Iterator[Path]:
    """Return the home of a bed of its own, on a machine that can have one."""
    try:
        LIFE.prepared(_silent)
    except Cannot as cannot:
        pytest.skip(f"no DIRAC here: {cannot}")
    own = cache() / "of-a-test"
    yield own
    LIFE.take_down(own, _silent, forget=True)


def test_a_bed_keeps_its_jobs_and_listens_on_loopback_alone(home: Path) -> None:
    """Jobs are there again after a night; nothing is left of a wiped bed."""
    bed = LIFE.bring_up(home, _silent)
    [job] = bed.submit([JDL], "alpha_user")
    assert _listening(home)
    assert all(address.endswith("0100007F") for address in _listening(home))
    LIFE.take_down(home, _silent)
    assert processes.living(home) == []

    bed = LIFE.bring_up(home, _silent)
    assert bed.jobs([job])[job].site == "CLOUD.Alpha.es"
    LIFE.take_down(home, _silent, forget=True)
    assert not home.exists()


def _listening(home: Path) -> list[str]:
    """Return the addresses, in the kernel's hex, on which processes of a bed listen."""
    sockets = {link for process in processes.living(home) for link in _sockets(process.pid)}
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]


def _sockets(pid: int) -> list[str]:
    try:
        return [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []
