from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.support.wait import until
from vmdirac_py.worker.health import OK, Health, Probe, probes


def test_what_works_and_what_does_not(tmp_path: Path) -> None:
    """A probe that succeeds is ok, one that fails says why in its own words, one that is missing is told too."""
    health = Health(
        {
            "there": Probe(["stat", "-t", str(tmp_path)]),
            "gone": Probe(["stat", "-t", str(tmp_path / "gone")]),
            "runtime": Probe([str(tmp_path / "no-such-program")]),
        }
    )
    health.round()
    found = health.found()
    assert found["there"] == OK
    assert "No such file" in found["gone"]
    assert "cannot be probed" in found["runtime"]


def test_a_hung_probe_is_given_up_and_not_repeated(tmp_path: Path) -> None:
    """A probe that does not answer costs its patience once; none is started beside it until it is gone."""
    starts = tmp_path / "starts"
    hang = f"import signal,time;open({str(starts)!r},'a').write('x');time.sleep(1000)"
    probe = Probe([sys.executable, "-S", "-c", hang], patience=5.0)
    assert "no answer within 5 s" in probe.look()
    until(lambda: "no answer" in probe.look() or starts.read_text() == "xx", seconds=30, what="another try")
    assert starts.read_text() == "xx"


def test_what_a_probe_leaves_running_blocks_nothing(tmp_path: Path) -> None:
    """A descendant that holds the probe's output open, as one in a dead file system would, is not waited for."""
    pids = tmp_path / "pids"
    probe = Probe(["sh", "-c", f"setsid sh -c 'echo $$ >> {pids}; exec sleep 1000' & wait"], patience=5.0)
    assert "no answer" in probe.look()
    for pid in pids.read_text().split():
        os.kill(int(pid), signal.SIGKILL)


def test_versions_are_what_programs_say_of_themselves(tmp_path: Path) -> None:
    """The container runtime's answer is its version; a repository has none."""
    runtime = tmp_path / "apptainer"
    runtime.write_text("#!/bin/sh\necho apptainer version 1.4.1\n")
    runtime.chmod(0o755)
    health = Health(probes({"runtime": [str(runtime), "exec"], "cvmfs": ["no.such.repository"]}))
    health.round()
    assert health.versions() == {str(runtime): "apptainer version 1.4.1"}
    assert set(health.found()) == {str(runtime), "cvmfs no.such.repository"}
    assert health.found()["cvmfs no.such.repository"] != OK
