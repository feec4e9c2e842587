"""The event log, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from subprocess import Popen
from threading import Event, Thread
from typing import Any

import pytest

from vmdirac_py.base.clock import ManualClock
from vmdirac_py.ledger import postgres
from vmdirac_py.ledger.engine import SqlLedger
from vmdirac_py.ledger.postgres import PostgresWatcher
from vmdirac_py.ledger.sqlite import SqliteWatcher

PATIENCE = 30.0
APPENDER = """
import sys
from vmdirac_py.base.clock import SystemClock
from vmdirac_py.ledger.engine import open_ledger
ledger = open_ledger(sys.argv[1], SystemClock())
print("ready", flush=True)
sys.stdin.readline()
with ledger.write() as tx:
    print(tx.events.append("job.submitted"), flush=True)
sys.stdin.readline()
"""


def test_events_come_back_in_order(ledger: SqlLedger, clock: ManualClock) -> None:
    """Sequence numbers grow; topics and a limit select."""
    with ledger.write() as tx:
        assert tx.events.last() == 0
        first = tx.events.append("a", subject="s", actor="unix:ann", data={"n": 1, "text": "é\0"})
        clock.advance(1.0)
        second = tx.events.append("b")
        assert tx.events.last() == second > first
        old, new = tx.events.after(0)
        assert (old.seq, old.at, old.topic, old.subject, old.actor) == (first, clock.at - 1.0, "a", "s", "unix:ann")
        assert old.data == {"n": 1, "text": "é\0"}
        assert (new.at, new.data) == (clock.at, {})
        assert tx.events.after(first) == [new]
        assert tx.events.after(0, topics={"b", "c"}) == [new]
        assert tx.events.after(0, limit=1) == [old]


def test_a_number_is_never_given_twice(ledger: SqlLedger) -> None:
    """Not even when the newest event is gone."""
    with ledger.write() as tx:
        first = tx.events.append("a")
        tx.events.connection.exec_driver_sql("DELETE FROM events")
        assert tx.events.append("b") > first


def test_sequence_order_is_commit_order(ledger: SqlLedger, wait_until: Callable[[Callable[[], Any]], None]) -> None:
    """Whoever reads up to an event will never find an older one later."""
    begun, seen = Event(), []

    def later() -> None:
        begun.set()
        with ledger.write() as tx:
            tx.events.append("later")
        with ledger.read() as tx:
            seen.append([event.topic for event in tx.events.after(0)])

    thread = Thread(target=later)
    with ledger.write() as tx:
        tx.events.append("earlier")
        thread.start()
        begun.wait()
        if tx.events.connection.dialect.name == "postgresql":
            blocked = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            wait_until(lambda: seen or tx.events.connection.exec_driver_sql(blocked).first())
    thread.join()
    assert seen == [["earlier", "later"]]


def test_waiting_ends_at_once_when_there_is_something(ledger: SqlLedger) -> None:
    """An event that is there already is not waited for."""
    with ledger.write() as tx:
        seq = tx.events.append("a")
    assert ledger.wait(after=seq - 1, timeout=PATIENCE) == seq


def test_waiting_ends_at_the_timeout(ledger: SqlLedger) -> None:
    """Without news the newest number is what was known before."""
    assert ledger.wait(after=0, timeout=0.1) == 0
    assert ledger.wait(after=7, timeout=0.0) == 0


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Return an event that is set as soon as a waiter sleeps; on PostgreSQL it then only wakes by a NOTIFY."""
    event = Event()
    monkeypatch.setattr(postgres, "LISTEN_SECONDS", 10 * PATIENCE)
    for kind in (SqliteWatcher, PostgresWatcher):
        monkeypatch.setattr(kind, "pause", _telling(event, kind.pause))
    return event


def _telling(event: Event, pause: Callable[..., None]) -> Callable[..., None]:
    def tell_and_pause(*arguments: Any) -> None:
        event.set()
        pause(*arguments)

    return tell_and_pause


def test_a_commit_of_another_process_wakes(
    url: str, ledger: SqlLedger, start_python: Callable[..., Popen[str]], asleep: Event
) -> None:
    """A sleeping waiter hears of an event of another process before its own timeout."""
    other = start_python(APPENDER, url)
    assert other.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait, after=0, timeout=2 * PATIENCE)
        asleep.wait()
        other.stdin.write("go\n")
        other.stdin.flush()
        assert waiting.result(timeout=PATIENCE) == int(other.stdout.readline())


def test_several_waiters_hear_each_event_of_their_own_process(ledger: SqlLedger) -> None:
    """Four threads following the log one by one see all of it, while another thread writes."""

    def follow() -> int:
        seen, until = 0, time.monotonic() + PATIENCE
        while seen < 20 and time.monotonic() < until:
            seen = ledger.wait(after=seen, timeout=1.0)
        return seen

    with ThreadPoolExecutor(5) as pool:
        followers = [pool.submit(follow) for _ in range(4)]
        for _ in range(20):
            with ledger.write() as tx:
                tx.events.append("tick")
        assert [follower.result() for follower in followers] == [20] * 4


def test_an_event_rolled_back_never_was(ledger: SqlLedger) -> None:
    """Nobody wakes for it, and it is not in the log."""
    with pytest.raises(ZeroDivisionError), ledger.write() as tx:
        tx.meta.set("never", str(tx.events.append("a") / 0))
    assert ledger.wait(after=0, timeout=0.1) == 0


def test_closing_wakes_whoever_waits(ledger: SqlLedger, wait_until: Callable[[Callable[[], Any]], None]) -> None:
    """A stopping process does not sit out its timeouts."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait, after=0, timeout=10 * PATIENCE)
        wait_until(waiting.running)
        ledger.close()
        assert waiting.result(timeout=PATIENCE) == 0


def test_one_event_a_subject_in_bulk(ledger: SqlLedger) -> None:
    """Each subject gets an event of its own; no subject, no event."""
    with ledger.write() as tx:
        tx.events.append_each("vm.stillborn", ["vm-1", "vm-2"], actor="aging")
        tx.events.append_each("vm.stillborn", [], actor="aging")
    with ledger.read() as tx:
        told = [(event.topic, event.subject, event.actor) for event in tx.events.after(0)]
    assert told == [("vm.stillborn", "vm-1", "aging"), ("vm.stillborn", "vm-2", "aging")]
