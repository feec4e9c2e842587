"""DIRAC's pilot as the monitor sees it; the programs are shells that end as they are told."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.wait import until
from vmdirac_py.worker import dirac_pilot, launch
from vmdirac_py.worker.dirac_pilot import DiracPilot
from vmdirac_py.worker.launch import Launch
from vmdirac_py.worker.processes import kill_marked, marked


class Bench:
    """A pilot that runs a shell's script, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.vm, self.life = folder, f"vm-of-{folder}", 1000.0
        self.drained: list[str] = []
        self.changed = threading.Event()

    def start(self, script: str) -> DiracPilot:
        """Start it."""
        how = Launch(("sh", "-c", script), {"PATH": os.environ["PATH"]}, "", self.folder / "home")
        self.folder.joinpath("work").mkdir()
        pilot = DiracPilot(
            how,
            self.folder / "work",
            self.vm,
            4,
            seconds_left=lambda: self.life,
            drain=self.drained.append,
            changed=self.changed.set,
        )
        pilot.start()
        return pilot

    def lives(self) -> bool:
        """Tell whether anything of it runs."""
        return bool(marked(launch.mark(self.vm)))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Return a bench whose pilots are looked at often."""
    monkeypatch.setattr(dirac_pilot, "_LOOK", 0.02)
    made = Bench(tmp_path)
    yield made
    kill_marked(launch.mark(made.vm))


def _payload(job: int, cores: int) -> str:
    inner = f"JOBID={job} DIRAC_JOB_PROCESSORS={cores} sleep 600"
    return f"echo '{inner} & wait' > Wrapper_{job}; sh Wrapper_{job}"


def test_a_pilot_that_ends_well_leaves_nothing_to_do(bench: Bench) -> None:
    """It is over, nothing is busy, nothing is broken, and what it left running is ended."""
    pilot = bench.start("sleep 600 & echo bye")
    until(lambda: pilot.status().over)
    status = pilot.status()
    assert (status.busy, status.broken, status.worked, status.free_cores) == (0, "", False, 4)
    assert not bench.lives()
    assert bench.changed.is_set()


def test_a_bad_end_says_why(bench: Bench) -> None:
    """Exit code and last words are what the manager will be told."""
    pilot = bench.start("echo No space left; exit 3")
    until(lambda: pilot.status().broken)
    assert pilot.status().broken == "DIRAC's pilot ended with 3: No space left"
    assert pilot.close()


def test_a_program_that_is_not_there_is_a_bad_end(bench: Bench, tmp_path: Path) -> None:
    """A pilot that cannot be started at all does not keep its VM."""
    how = Launch((str(tmp_path / "none"),), {}, "", tmp_path / "home")
    pilot = DiracPilot(
        how, tmp_path, bench.vm, 4, seconds_left=lambda: 1.0, drain=bench.drained.append, changed=lambda: None
    )
    pilot.start()
    until(lambda: "cannot be run" in pilot.status().broken)
    assert pilot.status().busy == 0


def test_payloads_show_as_busy_slots(bench: Bench) -> None:
    """Each job wrapper is a slot, with the cores its payload was given."""
    pilot = bench.start(_payload(41, 3))
    until(lambda: [(slot.job, slot.cores) for slot in pilot.status().slots] == [(41, 3)])
    status = pilot.status()
    assert (status.free_cores, status.worked, status.idle_seconds) == (1, True, 0.0)
    assert not pilot.close()


def test_while_it_runs_it_counts_as_busy(bench: Bench) -> None:
    """A pilot may be getting a job at any moment: its VM does not leave under it."""
    pilot = bench.start("sleep 600")
    until(bench.lives)
    assert pilot.status().busy == 1
    assert not pilot.close()


def test_its_end_of_life_drains_it_once(bench: Bench) -> None:
    """JobAgent learns by the drain file that it shall take no more jobs."""
    pilot = bench.start("sleep 600")
    until(bench.lives)
    assert bench.drained == []
    bench.life = 0.0
    until(lambda: bench.drained)
    pilot.kill_all()
    until(lambda: pilot.status().over)
    assert bench.drained == ["end of its life"]


def test_one_that_was_closed_and_has_no_payload_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JobAgent that sleeps between two matches does not hold up a drain, and that is no bad end."""
    monkeypatch.setattr(dirac_pilot, "GRACE", 0.1)
    pilot = bench.start("sleep 600")
    until(bench.lives)
    pilot.close()
    until(lambda: pilot.status().over)
    assert pilot.status().broken == ""
    assert not bench.lives()


def test_one_that_was_closed_with_a_payload_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No drain ends a payload."""
    monkeypatch.setattr(dirac_pilot, "GRACE", 0.05)
    pilot = bench.start(_payload(41, 1))
    until(lambda: pilot.status().slots)
    pilot.close()
    looks = iter(range(10))
    bench.changed.clear()
    until(lambda: next(looks, None) is None)
    assert pilot.status().slots
    assert bench.lives()


def test_a_halt_ends_pilot_and_payloads(bench: Bench) -> None:
    """All that bears its mark is gone."""
    pilot = bench.start(_payload(41, 1))
    until(lambda: pilot.status().slots)
    pilot.kill_all()
    until(lambda: pilot.status().over)
    assert not bench.lives()
    assert pilot.status().slots == []


def test_a_vm_that_is_kept_starts_it_again(bench: Bench) -> None:
    """In a folder of its own, as the first time."""
    pilot = bench.start("pwd")
    until(lambda: pilot.status().over)
    pilot.close()
    pilot.reopen()
    until(lambda: pilot.status().over and (bench.folder / "work/pilot.log").read_text().count("\n") == 2)
    log = (bench.folder / "work/pilot.log").read_text().split()
    assert [Path(line).name for line in log] == ["run-1", "run-2"]


def test_what_an_earlier_worker_left_is_ended_first(bench: Bench) -> None:
    """Two pilots of one VM would fill it twice."""
    name, _, value = launch.mark(bench.vm).partition("=")
    left = os.spawnlpe(os.P_NOWAIT, "sleep", "sleep", "600", {**os.environ, name: value})
    until(lambda: left in marked(launch.mark(bench.vm)))
    bench.start("sleep 600")
    assert os.waitpid(left, 0)[1] == 9


def test_a_link_in_the_place_of_its_folder_is_not_followed(bench: Bench) -> None:
    """The folder is a new one, and what the link led to keeps its rights and contents."""
    victim, home = bench.folder / "victim", bench.folder / "home"
    for folder in (victim, home):
        folder.mkdir(mode=0o750)
    (victim / "file").touch()
    (home / "run-1").symlink_to(victim)
    pilot = bench.start("pwd")
    until(lambda: pilot.status().over)
    assert (bench.folder / "work/pilot.log").read_text().strip() == str(home / "run-1")
    assert not (home / "run-1").is_symlink()
    assert (victim.stat().st_mode & 0o777, [file.name for file in victim.iterdir()]) == (0o750, ["file"])
