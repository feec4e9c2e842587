"""A ledger that somebody keeps locked (a backup, a stuck process) makes everybody wait, and ends nobody."""

from __future__ import annotations

import pytest

from tests.support.installation import Here

pytestmark = [pytest.mark.slow, pytest.mark.full]


def test_a_ledger_locked_for_long_ends_nobody(here: Here) -> None:
    """After the scheduler gave up waiting for the lock it tries again: the same process then does the work."""
    here.until(lambda: here.topics()["plan.made"] or here.json("status")["leases"], what="the scheduler at work")
    log = here.home.logs / "scheduler.log"
    with here.locked():
        here.until(lambda: "kept the ledger locked" in log.read_text(), seconds=90, what="a wait given up")
    ids = here.submit("true")
    here.until_done(ids)
    assert all(process.poll() is None for process in here.processes.values())
    here.until_retired()
