"""The example inventory, and a driver shared by threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.opennebula import FrontEnd, request
from vmdirac_py.operations import revisions

EXAMPLE = Path(__file__).parents[4] / "inventories/opennebula"


def test_the_example_inventory_is_sound() -> None:
    """What operators copy is read without a complaint, and names this driver."""
    inventory = revisions.check(EXAMPLE)
    assert {endpoint.kind for endpoint in inventory.endpoints.values()} == {"opennebula"}
    assert len(inventory.pools) == 3


def test_threads_share_a_driver(one: FrontEnd) -> None:
    """Listings and launches of several threads at once keep apart, each on a connection of its own."""
    driver = one.driver()
    with ThreadPoolExecutor(8) as threads:
        launched = list(threads.map(lambda _: driver.launch(request(5)).launched, range(8)))
    ids = {instance.id for result in launched for instance in result}
    assert len(ids) == 40
    assert {instance.id for instance in driver.instances()} == ids
