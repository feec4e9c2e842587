"""Leases: one planner, one actor an endpoint, and no waiting for the dead."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.context import TestContext
from vmdirac_py.base.processes import own_name
from vmdirac_py.ledger.api import LeaseHeld
from vmdirac_py.operations import leases

NAME = "from vmdirac_py.base.processes import own_name; print(own_name('scheduler'), flush=True); input()"


@pytest.mark.parametrize("killed", [True, False])
def test_a_lease_of_the_dead_is_free(ctx: TestContext, *, killed: bool) -> None:
    """A holder that was killed makes nobody wait; a living one is named to whoever comes."""
    holder = subprocess.Popen([sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    name = holder.stdout.readline().strip()
    with ctx.ledger.write() as tx:
        held = tx.leases.take(leases.PLAN, name, 600)
    try:
        if killed:
            holder.kill()
            holder.wait()
            assert leases.take(ctx, leases.PLAN, actor="cron").token > held.token
        else:
            with pytest.raises(LeaseHeld, match=re.escape(name)):
                leases.take(ctx, leases.PLAN, actor="cron")
    finally:
        holder.kill()
        holder.communicate()


def test_a_holder_elsewhere_is_believed_alive(ctx: TestContext) -> None:
    """What cannot be seen from this machine is not taken for dead."""
    elsewhere = re.sub(r" on .*\)$", " on farhost/00000000/1)", own_name("scheduler"))
    with ctx.ledger.write() as tx:
        tx.leases.take(leases.PLAN, elsewhere, 600)
    with pytest.raises(LeaseHeld):
        leases.take(ctx, leases.PLAN, actor="cron")


def test_a_lease_is_given_back_after_a_failure(ctx: TestContext) -> None:
    """Who leaves by an exception holds nothing any more."""
    with pytest.raises(ValueError, match="oops"), leases.held(ctx, leases.PLAN, actor="a"):
        raise ValueError("oops")
    with ctx.ledger.read() as tx:
        assert tx.leases.holders() == []


def test_endpoints_do_not_wait_for_each_other(ctx: TestContext) -> None:
    """Each endpoint has a lease of its own."""
    names = [leases.endpoint_lease(name) for name in ("north", "south")]
    with ctx.ledger.write() as tx:
        tx.leases.take(names[0], "somebody", 600)
    assert leases.take(ctx, names[1], actor="me").name == "endpoint:south"
