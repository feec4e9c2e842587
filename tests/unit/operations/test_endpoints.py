"""Endpoints: what the ledger knows of them, and what their clouds answer when they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.doubles.cloud import Refuse, ScriptedCloud
from tests.support.acting import launched, look
from tests.support.context import TestContext
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.clouds.api import AuthFailed, CloudEndpoint, Finding, Mark, QuotaExceeded, Unavailable
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool
from vmdirac_py.operations import endpoints, launches
from vmdirac_py.operations.endpoints import EndpointState


@dataclass
class Inspected(ScriptedCloud):
    """A cloud whose driver looks for itself."""

    def inspect(self, pools: Sequence[Pool]) -> Sequence[Finding]:
        """Tell the pools it was given."""
        return [Finding(f"flavor of {pool.name}", ok=pool.vo == "astro", text=pool.flavor) for pool in pools]


def the_only(ctx: TestContext) -> EndpointState:
    """Return what is known of the only endpoint."""
    (state,) = endpoints.overview(ctx)
    return state


def refusal(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Let the cloud refuse a launch."""
    cloud.answers = [Refuse(QuotaExceeded)]
    launches.launch(ctx, launches.intend(ctx, "astro-8", 1, actor="ann"), actor="ann")


def test_what_was_never_listed_is_unlisted(ctx: TestContext) -> None:
    """Of an endpoint nobody ever listed its description is known, and that it was never listed."""
    state = the_only(ctx)
    assert (state.name, state.kind, state.pools) == ("north", "local", ("astro-8", "bio-8"))
    assert (state.state, state.listing.complete_at, state.vms) == ("unlisted", 0.0, 0)


def test_use_and_limits_are_told(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """After a listing our VMs, those of others and the cloud's limit are known, and it is open."""
    cloud.foreign, cloud.max_vms = 3, 10
    launched(ctx, cloud)
    look(ctx)
    state = the_only(ctx)
    assert (state.state, state.vms, state.cloud.foreign_vms, state.cloud.max_vms) == ("open", 1, 3, 10)
    assert state.listing.complete_at == ctx.clock.now()


def test_after_a_refusal_it_is_blocked_then_probing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A refusal blocks for the back-off, with its class; after it one VM at once is asked for."""
    look(ctx)
    refusal(ctx, cloud)
    blocked = the_only(ctx)
    ctx.clock.advance(61)
    look(ctx)
    probing = the_only(ctx)
    assert (blocked.state, blocked.blocked_by) == ("blocked", ErrorClass.QUOTA)
    assert 0 < blocked.blocked_until - ctx.clock.now() + 61 <= 60
    assert (probing.state, probing.allowance, probing.blocked_until) == ("probing", 1, 0.0)


def test_a_failed_listing_is_told(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """An endpoint whose last listing failed is unlisted, with the error, and with when it was listed last."""
    look(ctx)
    listed = ctx.clock.now()
    ctx.clock.advance(60)
    cloud.unreachable = Unavailable
    look(ctx)
    state = the_only(ctx)
    assert (state.state, state.listing.complete_at) == ("unlisted", listed)
    assert "Unavailable" in state.listing.error


def test_a_blind_ledger_is_told_first(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Where the ledger does not know what lives there, that is what matters."""
    cloud.add(Mark("inst-test", "b-unheard", "astro", "astro-8"))
    look(ctx)
    refusal(ctx, cloud)
    assert the_only(ctx).state == "blind"


def test_a_driver_that_looks_for_itself(ctx: TestContext) -> None:
    """A driver with the capability is given all pools of its endpoint, and its findings are what is told."""
    ctx.endpoints = {"north": Inspected(ctx.clock)}
    assert [(one.about, one.ok) for one in endpoints.check(ctx, "north")] == [
        ("flavor of astro-8", True),
        ("flavor of bio-8", False),
    ]


def test_any_driver_tells_login_and_quota(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Without the capability a listing shows the login, and the limits whether there is room."""
    cloud.max_vms = 1
    assert [(one.about, one.ok) for one in endpoints.check(ctx, "north")] == [("login", True), ("quota", True)]
    cloud.add(Mark("inst-test", "b", "astro", "astro-8"))
    (login, quota) = endpoints.check(ctx, "north")
    assert (login.text, quota.text) == ("1 instances of ours are listed", "1 VMs are used of 1")
    assert not quota.ok
    assert quota.mend


def test_a_refused_login_is_a_finding(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What the cloud refuses is told with its class, and raises nothing."""
    cloud.unreachable = AuthFailed
    (login, quota) = endpoints.check(ctx, "north")
    assert not login.ok
    assert not quota.ok
    assert "(auth)" in login.text


def test_a_driver_that_cannot_be_made_is_a_finding(ctx: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that cannot be read is told as a login that fails, with what to mend."""

    def endpoint(_: TestContext, name: str) -> CloudEndpoint:
        raise AuthFailed("the environment variable is not set", where=f"env:KEY of {name}", mend="set it")

    monkeypatch.setattr(TestContext, "endpoint", endpoint)
    (login,) = endpoints.check(ctx, "north")
    assert (login.about, login.ok, login.mend) == ("login", False, "set it")


def test_an_unknown_endpoint_is_named(ctx: TestContext) -> None:
    """A name that is not in the inventory is an error of whoever asked."""
    with pytest.raises(UnknownThing, match="nowhere"):
        endpoints.check(ctx, "nowhere")
