"""Enrolment: a token is good for its batch, its instances, once each, until its deadline."""

from __future__ import annotations

from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.context import TOKEN, TestContext, add_batch, add_vm, bring, events, make_inventory, row_of
from tests.support.keys import make_key, make_request
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.base.errors import BadInput, NotAllowed, UnknownThing
from vmdirac_py.credentials.signing import vm_identity
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations.callers import VmGone
from vmdirac_py.operations.enrolment import Enrolled, RetryAfter, enrol, renew


def advance(ctx: TestContext, seconds: float) -> None:
    """Let time pass."""
    assert isinstance(ctx.clock, ManualClock)
    ctx.clock.advance(seconds)


def alarms(ctx: TestContext) -> list[str]:
    """Return the codes of the alarms raised so far."""
    return [event.data["code"] for event in events(ctx, "alarm.enrolment")]


def enrolled(ctx: TestContext, instance: str, csr: str | None = None, token: str = TOKEN) -> Enrolled:
    """Enrol, which must succeed."""
    done = enrol(ctx, token=token, instance_id=instance, csr=csr or make_request(), address="127.77.0.9")
    assert isinstance(done, Enrolled)
    return done


@pytest.mark.parametrize("state", [VmState.NEW, VmState.SUBMITTED])
def test_a_bound_instance_enrols(ctx: TestContext, state: VmState) -> None:
    """A New or Submitted VM becomes Contextualising, with a certificate that names it, an event and its address."""
    vm = add_vm(ctx, batch=add_batch(ctx), state=state, instance="i-1")
    done = enrolled(ctx, "i-1")
    row = row_of(ctx, vm.id)
    assert (row.state, row.address) == (VmState.CONTEXTUALISING, "127.77.0.9")
    certificate = x509.load_pem_x509_certificate(done.certificate.pem.encode())
    identity = vm_identity(certificate.public_bytes(Encoding.DER))
    assert (identity.vm, identity.vo) == (done.vm, done.vo) == (vm.id, "astro")
    assert [event.subject for event in events(ctx, "vm.enrolled")] == [vm.id]


def test_a_lost_reply_is_the_same_enrolment(ctx: TestContext) -> None:
    """Same instance and key again: signed again, one enrolment, one event, no alarm."""
    add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    csr = make_request(make_key())
    first, second = enrolled(ctx, "i-1", csr), enrolled(ctx, "i-1", csr)
    assert (first.vm, first.certificate.key_hash) == (second.vm, second.certificate.key_hash)
    assert len(events(ctx, "vm.enrolled")) == 1
    assert alarms(ctx) == []


def test_a_second_key_for_an_instance_raises_an_alarm(ctx: TestContext) -> None:
    """Somebody else with the token cannot become an enrolled VM, and is noticed."""
    add_vm(ctx, batch=add_batch(ctx, wanted=2), instance="i-1")
    enrolled(ctx, "i-1")
    with pytest.raises(NotAllowed, match="another key"):
        enrolled(ctx, "i-1")
    assert alarms(ctx) == ["second_key"]


def test_an_unknown_token_is_refused_with_an_alarm(ctx: TestContext) -> None:
    """A guessed token enrols nobody; the error does not repeat it."""
    add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    with pytest.raises(NotAllowed) as caught:
        enrolled(ctx, "i-1", token="guessed-token")
    assert "guessed-token" not in str(caught.value)
    assert alarms(ctx) == ["token_unknown"]


def test_an_expired_token_is_refused_with_an_alarm(ctx: TestContext) -> None:
    """After the boot deadline a token is worth nothing."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    advance(ctx, 1801)
    with pytest.raises(NotAllowed, match="expired"):
        enrolled(ctx, "i-1")
    assert alarms(ctx) == ["token_expired"]
    assert row_of(ctx, vm.id).state is VmState.SUBMITTED


def test_a_used_up_token_is_refused_with_an_alarm(ctx: TestContext) -> None:
    """A batch of one lets one instance in; any other, known or not, is refused."""
    add_vm(ctx, batch=add_batch(ctx, wanted=1), instance="i-1")
    enrolled(ctx, "i-1")
    with pytest.raises(NotAllowed, match="used up"):
        enrolled(ctx, "i-2")
    assert alarms(ctx) == ["token_used_up"]


def test_another_batchs_instance_is_refused_with_an_alarm(ctx: TestContext) -> None:
    """The token of one batch does not enrol an instance of another, which stays as it is."""
    add_batch(ctx)
    other = add_vm(ctx, pool="bio-8", instance="i-9")
    with pytest.raises(NotAllowed, match="another batch"):
        enrolled(ctx, "i-9")
    assert alarms(ctx) == ["other_batch"]
    assert row_of(ctx, other.id) == other


def test_a_flood_of_tries_is_one_alarm_in_ten_seconds(ctx: TestContext) -> None:
    """Whoever tries again and again cannot fill the ledger."""
    for seconds in (0, 1, 1, 9):
        advance(ctx, seconds)
        with pytest.raises(NotAllowed):
            enrolled(ctx, "i-1", token="guessed")
    assert alarms(ctx) == ["token_unknown", "token_unknown"]


@pytest.mark.parametrize(("age", "seconds"), [(1, 0.3), (11, 2.0)])
def test_an_instance_not_known_yet_is_asked_to_wait(ctx: TestContext, age: float, seconds: float) -> None:
    """A young batch's instance comes back soon, an older one's later; both wake a listing."""
    add_batch(ctx)
    advance(ctx, age)
    assert enrol(ctx, token=TOKEN, instance_id="i-1", csr=make_request()) == RetryAfter(seconds)
    assert [event.subject for event in events(ctx, "listing.wanted")] == ["north"]


def test_a_listing_is_wanted_once_in_two_seconds(ctx: TestContext) -> None:
    """Twenty VMs that boot together ask for one listing, not for twenty."""
    add_batch(ctx, wanted=20)
    for number in range(20):
        enrol(ctx, token=TOKEN, instance_id=f"i-{number}", csr=make_request())
    assert len(events(ctx, "listing.wanted")) == 1
    advance(ctx, 2)
    enrol(ctx, token=TOKEN, instance_id="i-1", csr=make_request())
    assert len(events(ctx, "listing.wanted")) == 2


@pytest.mark.parametrize("state", [VmState.STOPPING, VmState.HALTED, VmState.FAILED])
def test_a_vm_at_its_end_does_not_enrol(ctx: TestContext, state: VmState) -> None:
    """Stopping, Halted and Failed VMs get no certificate, neither first nor again."""
    batch = add_batch(ctx, wanted=2)
    vm = add_vm(ctx, batch=batch, state=VmState.FAILED if state is VmState.FAILED else VmState.NEW, instance="i-1")
    if state is not VmState.FAILED:
        vm = bring(ctx, vm, state)
    with pytest.raises(NotAllowed, match=f"is {state}"):
        enrolled(ctx, "i-1")
    assert row_of(ctx, vm.id) == vm


def test_a_lost_reply_does_not_outlive_the_vm(ctx: TestContext) -> None:
    """The same enrolment again is refused once the VM is Halted."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    csr = make_request()
    enrolled(ctx, "i-1", csr)
    bring(ctx, row_of(ctx, vm.id), VmState.HALTED)
    with pytest.raises(VmGone):
        enrolled(ctx, "i-1", csr)


def test_a_vm_whose_pool_left_the_inventory_enrols(ctx: TestContext) -> None:
    """Taking a pool out of the inventory does not break its booting VMs."""
    add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    without = make_inventory()
    with ctx.ledger.write() as tx:
        tx.revisions.add(replace(without, fingerprint="without", pools={"bio-8": without.pools["bio-8"]}))
    assert enrolled(ctx, "i-1").vo == "astro"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(instance=st.text(max_size=300))
def test_any_instance_id_is_answered(ctx: TestContext, instance: str) -> None:
    """Whatever is sent as an instance id, it is asked to wait or refused, never a failure."""
    if not events(ctx, "test.batch"):
        add_batch(ctx)
        with ctx.ledger.write() as tx:
            tx.events.append("test.batch")
    with suppress(BadInput):
        assert isinstance(enrol(ctx, token=TOKEN, instance_id=instance, csr=make_request()), RetryAfter)


def test_a_bad_request_uses_nothing_up(ctx: TestContext) -> None:
    """A broken signing request is bad input; the same instance enrols with a good one afterwards."""
    add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    with pytest.raises(BadInput, match="signing request"):
        enrolled(ctx, "i-1", "no request")
    assert enrolled(ctx, "i-1").vo == "astro"


@pytest.mark.parametrize("state", [VmState.CONTEXTUALISING, VmState.RUNNING, VmState.DRAINING, VmState.STALLED])
def test_a_living_vm_renews(ctx: TestContext, state: VmState) -> None:
    """Every living VM gets a new certificate for its own name, valid from now."""
    vm = add_vm(ctx, state=state)
    advance(ctx, 1000)
    done = renew(ctx, vm.id, make_request())
    assert (done.vm, done.vo) == (vm.id, "astro")
    assert done.certificate.not_after == ctx.clock.now() + ctx.settings.certificate_hours * 3600


@pytest.mark.parametrize("state", [VmState.SUBMITTED, VmState.STOPPING, VmState.HALTED, VmState.FAILED])
def test_other_vms_do_not_renew(ctx: TestContext, state: VmState) -> None:
    """A VM that never enrolled, is stopping or gone gets nothing."""
    with pytest.raises(NotAllowed):
        renew(ctx, add_vm(ctx, state=state).id, make_request())


def test_an_unknown_vm_does_not_renew(ctx: TestContext) -> None:
    """A VM the ledger does not know is named."""
    with pytest.raises(UnknownThing, match="vm-none"):
        renew(ctx, "vm-none", make_request())
