"""The buffer of heartbeats."""

from __future__ import annotations

from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.manager.beats import Beats


def beat(vm: str, at: float) -> Heartbeat:
    """Return a heartbeat."""
    return Heartbeat(vm, at, {})


def test_the_last_heartbeat_of_a_vm_wins() -> None:
    """Only the newest beat of each VM is taken, and it is taken once."""
    beats = Beats()
    for at in (1.0, 2.0):
        beats.note(beat("vm-1", at))
    beats.note(beat("vm-2", 1.0))
    assert beats.take() == [beat("vm-1", 2.0), beat("vm-2", 1.0)]
    assert beats.take() == []


def test_a_failed_flush_loses_nothing_and_overwrites_nothing() -> None:
    """What could not be written waits again, unless a newer beat has come meanwhile."""
    beats = Beats()
    beats.note(beat("vm-1", 1.0))
    beats.note(beat("vm-2", 1.0))
    taken = beats.take()
    beats.note(beat("vm-1", 2.0))
    beats.put_back(taken)
    assert {(one.vm, one.at) for one in beats.take()} == {("vm-1", 2.0), ("vm-2", 1.0)}
