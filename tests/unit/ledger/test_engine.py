"""Opening a ledger, and what its transactions promise."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from subprocess import Popen
from threading import Event, Thread
from typing import Any

import pytest

from vmdirac_py.base.clock import ManualClock
from vmdirac_py.base.errors import BadInput, Conflict, Unusable
from vmdirac_py.ledger.api import Transaction, WrongSchema
from vmdirac_py.ledger.engine import SqlLedger, open_ledger
from vmdirac_py.model.batch import Batch
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm

WRITER = """
import sys
from vmdirac_py.base.clock import SystemClock
from vmdirac_py.ledger.engine import open_ledger
ledger = open_ledger(sys.argv[1], SystemClock())
with ledger.write() as tx:
    tx.meta.set("kept", "yes")
with ledger.write() as tx:
    tx.meta.set("half", "yes")
    print("written", flush=True)
    sys.stdin.readline()
"""


def test_what_was_written_survives_kill_9(url: str, ledger: SqlLedger, start_python: Callable[..., Popen[str]]) -> None:
    """After `write()` returned the data stays whatever happens to the process; an open transaction leaves nothing."""
    process = start_python(WRITER, url)
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    with ledger.write() as tx:
        assert tx.meta.get("kept") == "yes"
        assert tx.meta.get("half") is None


def test_an_exception_rolls_everything_back(ledger: SqlLedger) -> None:
    """The caller's own exception comes through unchanged, and nothing of the transaction is kept."""
    with pytest.raises(ZeroDivisionError), ledger.write() as tx:
        tx.meta.set("half", str(tx.events.append("a") / 0))
    with ledger.read() as tx:
        assert tx.meta.get("half") is None
        assert tx.events.after(0) == []


def _set_then_swallow(tx: Transaction, batch: Batch) -> None:
    tx.meta.set("half", "done")
    with suppress(Conflict):
        tx.batches.insert([batch])


def test_a_swallowed_failure_still_rolls_everything_back(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """Whoever catches a database error and goes on gets it again at the end: no half transaction is committed."""
    with ledger.write() as tx:
        tx.batches.insert([a_batch()])
    with pytest.raises(Conflict, match="contradicts"), ledger.write() as tx:
        _set_then_swallow(tx, a_batch())
    with ledger.read() as tx:
        assert tx.meta.get("half") is None


def test_a_read_is_one_moment(ledger: SqlLedger) -> None:
    """A snapshot does not see what is committed after it began, and does not hinder the writer."""
    with ledger.read() as before:
        assert before.meta.get("a") is None
        with ledger.write() as tx:
            tx.meta.set("a", "1")
        assert before.meta.get("a") is None
    with ledger.read() as after:
        assert after.meta.get("a") == "1"


def test_a_read_cannot_write(ledger: SqlLedger) -> None:
    """Writing within `read()` fails instead of slipping through."""
    with pytest.raises(Unusable), ledger.read() as tx:
        tx.meta.set("a", "1")
    with ledger.read() as tx:
        assert tx.meta.get("a") is None


def test_what_the_database_cannot_hold_is_bad_input(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """A number beyond 64 bits or half a character is refused with our error, and nothing is kept."""
    with pytest.raises(BadInput), ledger.write() as tx:
        tx.vms.insert([a_vm("vm-1", missed_listings=2**70)], actor="test", reason=Reason("x"))
    with pytest.raises(BadInput), ledger.write() as tx:
        tx.meta.set("a", "\ud800")
    with ledger.read() as tx:
        assert tx.vms.get("vm-1") is None


@pytest.mark.parametrize("bad", ["", "hunter2", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:"])
def test_a_bad_url_is_refused_without_repeating_it(bad: str, clock: ManualClock) -> None:
    """The error says what a URL looks like, and nothing of this one, which may hold a password."""
    with pytest.raises(BadInput) as refusal:
        open_ledger(bad, clock, create=True)
    assert "sqlite:////" in refusal.value.mend
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("credentials", ["u:hunter2@127.0.0.1:1/d", "127.0.0.1:1/d?user=u&password=hunter2"])
def test_no_password_in_errors(credentials: str, clock: ManualClock) -> None:
    """A server that cannot be reached is named without the password, in the error and in all its causes."""
    with pytest.raises(Unusable) as refusal:
        open_ledger(f"postgresql://{credentials}", clock)
    assert "127.0.0.1:1/d" in str(refusal.value)
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


def test_no_value_in_errors(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """What was to be written does not stand in a failure's text or causes."""
    secret = a_batch(token_hash="c0ffee")
    with pytest.raises(Conflict) as refusal, ledger.write() as tx:
        tx.batches.insert([secret, secret])
    assert "c0ffee" not in "".join(traceback.format_exception(refusal.value))


def test_a_missing_database_on_a_server_is_named(postgres_server: Any, clock: ManualClock) -> None:
    """The error repeats what the server says."""
    with pytest.raises(Unusable, match='database "nowhere" does not exist'):
        open_ledger(postgres_server.url("nowhere"), clock)


def test_a_restarted_server_is_found_again(postgres_server: Any, postgres_database: str, clock: ManualClock) -> None:
    """Connections that the server cut are replaced without an error."""
    ledger = open_ledger(postgres_server.url(postgres_database), clock)
    with ledger.write() as tx:
        tx.meta.set("a", "1")
    mine = f"datname = '{postgres_database}' AND pid <> pg_backend_pid()"
    assert postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")
    with ledger.read() as tx:
        assert tx.meta.get("a") == "1"
    ledger.close()


def test_an_empty_database_on_a_server_is_no_ledger(postgres_server: Any, clock: ManualClock) -> None:
    """It is refused with the way to make it one."""
    with pytest.raises(WrongSchema, match="vmdirac init"):
        open_ledger(postgres_server.url("postgres"), clock)


def test_writers_wait_for_each_other(ledger: SqlLedger) -> None:
    """A second writer of the same row waits for the first and then sees what it wrote."""
    begun, seen = Event(), []

    def second() -> None:
        begun.set()
        with ledger.write() as tx:
            tx.meta.set("a", "second")
            seen.append(tx.events.last())

    with ledger.write() as tx:
        tx.meta.set("a", "first")
        thread = Thread(target=second)
        thread.start()
        begun.wait()
        seq = tx.events.append("first")
    thread.join()
    assert seen == [seq]
    with ledger.read() as tx:
        assert tx.meta.get("a") == "second"
