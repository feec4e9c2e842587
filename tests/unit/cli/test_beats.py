"""A heartbeat in words."""

from __future__ import annotations

from tests.support.manager import BEAT
from vmdirac_py.cli.beats import told


def test_everything_a_worker_tells_is_shown() -> None:
    """CPU, memory, disk, slots with their latest ends, what was probed and versions have a line each."""
    slot = {"job": 7, "cores": 2, "started_at": 1000.0, "ends_by": 4600.0, "cpu_seconds": 61.4}
    more = {"cpu": 1.5, "quiet_seconds": 0.0, "ram_free_mb": 900, "slots": [slot]}
    seen = dict(told({**BEAT, **more, "health": {"cvmfs lhcb.example.org": "ok"}, "versions": {"python": "3.11"}}))
    assert "1.50 cores in use" in seen["CPU"]
    assert seen["memory"] == "900 MB free of 16000"
    assert "2 cores" in seen["job 7"]
    assert "61 CPU s used" in seen["job 7"]
    assert "ends by 1970-01-01" in seen["job 7"]
    assert seen["cvmfs lhcb.example.org"] == "ok"
    assert seen["worker"] == "1, python 3.11"


def test_an_older_worker_tells_less() -> None:
    """What a heartbeat lacks is left out, not an error."""
    old = {name: value for name, value in BEAT.items() if name not in {"health", "versions", "cpu"}}
    assert dict(told(old))["CPU"] == "load 0.50"
