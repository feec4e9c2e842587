"""Who uses a bed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.wait import until
from tests.testbeds.common import processes, sharing
from tests.testbeds.common.processes import Program
from tests.testbeds.openstack import LIFE, Cannot
from tests.testbeds.openstack.places import CACHE_VARIABLE, Places


def _silent(_: str) -> None:
    pass


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a bed with one program, to see whether it is up."""
    made = Places(tmp_path / "bed")
    made.make()
    processes.start(Program("one", ["sleep", "600"], {}), home=made.home, log=made.log, environment=dict(os.environ))
    until(lambda: processes.running(made.home))
    return made


def _use(places: Places, user: str) -> str:
    LIFE.sharing(places).enter(user)
    return user


def test_the_last_that_leaves_takes_it_down(places: Places) -> None:
    """It stays up for the others, and for nobody it goes."""
    me, other = _use(places, str(os.getpid())), _use(places, str(os.getppid()))
    LIFE.sharing(places).leave(me, _silent)
    assert processes.running(places.home)
    LIFE.sharing(places).leave(other, _silent)
    assert not processes.running(places.home)


def test_a_bed_that_is_held_stays_up(places: Places) -> None:
    """What a person brought up, a test session does not take down."""
    sharing.hold(places)
    LIFE.sharing(places).leave(_use(places, str(os.getpid())), _silent)
    assert processes.running(places.home)
    processes.kill(places.home)


def test_a_session_that_was_killed_holds_nothing(places: Places) -> None:
    """Its file is left, and counts no more."""
    with subprocess.Popen(["sleep", "600"]) as killed:
        user = _use(places, str(killed.pid))
        assert sharing.users(places) == {user}
        killed.kill()
    assert sharing.users(places) == set()
    LIFE.sharing(places).leave(str(os.getpid()), _silent)
    assert not processes.running(places.home)


def test_a_cache_nobody_can_write_to_is_a_reason_to_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no bed can lie the machine cannot have one: that is no failure, and what to set is named."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(Cannot, match="_CACHE"):
        LIFE.shared(_silent)
    with pytest.raises(Cannot, match="_CACHE"):
        LIFE.bring_up(None, _silent)
