"""A worker as root in a room of its own, whose pilot is DIRAC's and runs as somebody else."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.manager import ManagerDouble
from tests.support.dirac_ground import Ground
from tests.testbeds.dirac import Bed
from tests.testbeds.dirac.fixtures import dirac_bed
from tests.testbeds.dirac.places import cache
from vmdirac_py.base.ids import new_id
from vmdirac_py.worker import bundle

__all__ = ["dirac_bed"]

PILOT_FILES = ("dirac-pilot.py", "pilotCommands.py", "pilotTools.py", "proxyTools.py")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ManagerDouble]:
    """Return a manager whose VM has an id of its own: DIRAC remembers pilots by it."""
    fresh: type[ManagerDouble] = type("Fresh", (ManagerDouble,), {"vm": new_id("vm")})
    double = fresh(tmp_path)
    yield double
    double.stop()


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundle, built once."""
    folder = tmp_path_factory.mktemp("static")
    return folder / bundle.build(folder)


@pytest.fixture
def ground(dirac_bed: Bed) -> Iterator[Ground]:
    """Return what a VM offers to DIRAC's pilot, where its user can reach it."""
    if os.geteuid():
        pytest.skip("only root can start a pilot as another user")
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="vmdirac-pilot-"))
    folder.chmod(0o755)
    made = Ground(folder, dirac_bed)
    yield made
    sys.stderr.write(made.said)  # shown where the test failed
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pilot_files() -> Path:
    """Return a folder with the pilot's own files; skip, loudly, where nobody put them."""
    folder = Path(os.environ.get("VMDIRAC_PILOT_FILES") or cache() / "pilot").expanduser()
    lacking = [name for name in PILOT_FILES if not (folder / name).exists()]
    if lacking:
        pytest.skip(
            f"{folder} lacks {', '.join(lacking)}: put the files of DIRACGrid/Pilot (folder Pilot) there,"
            " or name another folder in $VMDIRAC_PILOT_FILES"
        )
    return folder
