"""What of the endpoints is allowed but unwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.support.context import TestContext, events, make_inventory, make_pool
from vmdirac_py.clouds import local
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.operations.endpoint_warnings import ALARM, found_in, tell
from vmdirac_py.reports.status import status

Say = Callable[[str], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """Let the driver of every endpoint warn of this (empty: of nothing)."""

    def set_words(words: str) -> None:
        def warnings(endpoint: Endpoint) -> list[str]:
            return [f"{endpoint.name}: {words}"] if words else []

        monkeypatch.setattr(local, "warnings", warnings)

    return set_words


def test_it_is_told_in_every_cycle(ctx: TestContext, say: Say) -> None:
    """As long as it is so it is returned, and the event is written once."""
    say("nobody checks certificates")
    assert [tell(ctx, actor="test") for _ in range(3)] == [["north: nobody checks certificates"]] * 3
    (event,) = events(ctx, ALARM)
    assert (event.subject, event.data) == ("north", {"warnings": ["north: nobody checks certificates"]})


def test_other_words_are_news(ctx: TestContext, say: Say) -> None:
    """What changes is an event again; what is mended is told no more, and counts as new when it comes back."""
    for words in ("one", "two", "", "two"):
        say(words)
        tell(ctx, actor="test")
    assert [event.data["warnings"] for event in events(ctx, ALARM)] == [["north: one"], ["north: two"], ["north: two"]]


def test_the_status_shows_it(ctx: TestContext, say: Say) -> None:
    """What was told last is part of the status, until it is mended."""
    shown = []
    for words in ("unwise", ""):
        say(words)
        tell(ctx, actor="test")
        with ctx.ledger.read() as tx:
            shown.append(status(tx, at=ctx.clock.now()).warnings)
    assert shown == [("north: unwise",), ()]


def test_only_endpoints_that_earn_it(say: Say) -> None:
    """An endpoint without a warning, or without a driver, is not among them."""
    inventory = replace(make_inventory(), pools={})
    say("")
    assert found_in(inventory) == {}
    nowhere = {"north": replace(inventory.endpoints["north"], kind="nowhere")}
    assert found_in(replace(inventory, endpoints=nowhere, pools={})) == {}


def test_payloads_without_walls_are_told(say: Say) -> None:
    """Pools whose payloads could read the worker's key are named, but for the quickstart's; so is a missing image."""
    say("")
    plain, boxed = make_pool("astro-8", "astro"), make_pool("bio-8", "bio", inner_ce="Pool/Singularity")
    made = make_inventory(plain, boxed)
    inventory = replace(made, endpoints={"north": replace(made.endpoints["north"], kind="nowhere")})
    nothing, image = found_in(inventory)["north"]
    assert "astro-8: nothing stands between payload and pilot" in nothing
    assert "bio-8: jobs that name no container image fail" in image
    local = {"north": replace(inventory.endpoints["north"], kind="local")}
    safe = {"bio-8": replace(boxed, inner_ce_options={"image": "/cvmfs/x"}), "astro-8": plain}
    assert found_in(replace(inventory, endpoints=local, pools=safe)) == {}
