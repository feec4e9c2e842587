"""The inventory of a running installation changes under it, for better and for worse."""

from __future__ import annotations

import pytest

from tests.support.installation import Here, inventory

pytestmark = pytest.mark.slow


def test_a_broken_inventory_keeps_the_last_good_one_until_it_is_mended(here: Here) -> None:
    """While the tree is broken work goes on by the last good revision; the mended one becomes active by itself."""
    before = here.ctx.inventory().fingerprint
    here.inventory_file.write_text("all: {children: [nonsense")
    here.until(lambda: here.topics()["alarm.inventory"], what="the alarm")
    (job,) = here.submit("true")
    here.until_done([job])
    assert here.ctx.inventory().fingerprint == before
    assert "inventory.yml" in here.vmdirac("inventory", "check", code=1).stderr
    here.write_inventory(inventory(pool_max_vms=1))
    here.until(lambda: here.ctx.inventory().pools["alpha-2core"].max_vms == 1, what="the mended inventory active")
    assert here.topics()["alarm.inventory"] == 1


def test_a_new_pool_serves_a_job_that_nothing_could_serve(here: Here) -> None:
    """A job too big for every pool waits; once the inventory has a pool for it, it runs."""
    (job,) = here.submit("true", cores=4)
    here.until(lambda: here.reasons(here.job(job).queue), what="the reason why it waits")
    assert "4 cores" in here.vmdirac("why", str(job)).stdout
    here.write_inventory(inventory(pool_cores=4))
    here.until_done([job])
    here.until_retired()
