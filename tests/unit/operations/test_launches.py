"""Launch batches: sent at most once, and what is true afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.doubles.cloud import Die, Killed, Lose, Refuse, ScriptedCloud
from tests.support.acting import cycle, look, pass_time
from tests.support.context import (
    TestContext,
    batch_of,
    events,
    make_inventory,
    make_pool,
    open_again,
    submit_many,
    vms_of,
)
from vmdirac_py.base.errors import BadInput, UnknownThing, Unusable
from vmdirac_py.clouds.api import AuthFailed, BadRequest, CloudError, Instance, LaunchRequest, Mark, QuotaExceeded
from vmdirac_py.model.batch import BatchState, ErrorClass
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import aging, answers, fleet, launches, planning


@pytest.fixture
def other(ctx: TestContext, cloud: ScriptedCloud) -> Iterator[TestContext]:
    """Return the same installation as a second process sees it."""
    second = open_again(ctx.home.root, clock=ctx.clock)
    second.endpoints = {"north": cloud}
    yield second
    second.ledger.close()


def states(ctx: TestContext) -> list[VmState]:
    """Return the states of all VMs."""
    return [vm.state for vm in vms_of(ctx)]


def test_a_batch_is_claimed_before_it_is_sent(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """When the cloud is asked, the ledger already knows who asks: a death then leaves a trace."""
    batch = launches.intend(ctx, "astro-8", 2, actor="ann")
    seen: list[BatchState] = []
    cloud.before_launch = lambda request: seen.append(batch_of(ctx, request.mark.batch).state)
    report = launches.launch(ctx, batch, actor="ann")
    assert seen == [BatchState.CLAIMED]
    assert (report.state, report.launched, report.refused, report.sent) == (BatchState.ANSWERED, 2, 0, True)
    assert states(ctx) == [VmState.SUBMITTED] * 2


def test_every_instance_bears_the_mark(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Installation, batch, VO and pool are on what is launched."""
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    launches.launch(ctx, batch, actor="ann")
    assert cloud.alive()[0].mark == Mark("inst-test", batch, "astro", "astro-8")


def test_sent_again_it_sends_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A repeat of the operation reports what is true."""
    batch = launches.intend(ctx, "astro-8", 2, actor="ann")
    first = launches.launch(ctx, batch, actor="ann")
    again = launches.launch(ctx, batch, actor="ben")
    assert cloud.calls() == {batch: 1}
    assert again == replace(first, sent=False)


def test_a_second_process_tops_nothing_up(ctx: TestContext, other: TestContext, cloud: ScriptedCloud) -> None:
    """A shortfall is a new batch of a new plan, never a repeat of the old one."""
    cloud.answers = [Refuse(keep=1)]
    batch = launches.intend(ctx, "astro-8", 3, actor="ann")
    launches.launch(ctx, batch, actor="ann")
    report = launches.launch(other, batch, actor="ben")
    assert (report.launched, report.refused, len(cloud.alive())) == (1, 2, 1)


def test_two_processes_at_once_send_once(ctx: TestContext, other: TestContext, cloud: ScriptedCloud) -> None:
    """Whoever comes while the first one waits for the cloud reports Claimed and sends nothing."""
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    reports = []

    def intrude(_request: LaunchRequest) -> None:
        reports.append(launches.launch(other, batch, actor="ben"))

    cloud.before_launch = intrude
    launches.launch(ctx, batch, actor="ann")
    assert [(report.state, report.sent) for report in reports] == [(BatchState.CLAIMED, False)]
    assert cloud.calls() == {batch: 1}


def test_partial_success_is_a_result(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What was given is Submitted, what was refused is Failed with the cloud's reason."""
    cloud.answers = [Refuse(QuotaExceeded, keep=2)]
    report = launches.launch(ctx, launches.intend(ctx, "astro-8", 3, actor="ann"), actor="ann")
    assert (report.launched, report.refused, report.error_class) == (2, 1, ErrorClass.QUOTA)
    assert sorted(states(ctx)) == [VmState.FAILED, VmState.SUBMITTED, VmState.SUBMITTED]


def test_a_cloud_that_shrinks_silently_is_found_out(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Fewer instances than asked for, without a word, is a shortfall of capacity."""
    batch_id = launches.intend(ctx, "astro-8", 2, actor="ann")
    cloud.answers = [Lose(acted=False)]
    launches.launch(ctx, batch_id, actor="ann")
    given = cloud.add(Mark("inst-test", batch_id, "astro", "astro-8"))
    answers.take(ctx, batch_of(ctx, batch_id), answers.LaunchResult((given,)), actor="ann")
    batch = batch_of(ctx, batch_id)
    assert (batch.launched, batch.refused, batch.error_class) == (1, 1, ErrorClass.NO_CAPACITY)


def test_refused_vms_fail_with_a_reason_and_rest(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A refusal leaves Failed VMs that say why, and Halted ones after their rest; nothing was launched."""
    cloud.answers = [Refuse(AuthFailed)]
    launches.launch(ctx, launches.intend(ctx, "astro-8", 2, actor="ann"), actor="ann")
    failed = vms_of(ctx, VmState.FAILED)
    assert [vm.reason.as_dict["error_class"] for vm in failed if vm.reason] == ["auth", "auth"]
    ctx.clock.advance(61)
    aging.advance(ctx)
    assert states(ctx) == [VmState.HALTED] * 2
    assert not cloud.alive()


@pytest.mark.parametrize(
    ("refusal", "told"), [(AuthFailed, ["auth"]), (BadRequest, ["bad_request"]), (QuotaExceeded, [])]
)
def test_what_no_waiting_mends_is_an_alarm(
    ctx: TestContext, cloud: ScriptedCloud, refusal: type[CloudError], told: list[str]
) -> None:
    """A launch refused for credentials, or for what its pool names, is told to a person with the cloud's words."""
    cloud.answers = [Refuse(refusal)]
    launches.launch(ctx, launches.intend(ctx, "astro-8", 2, actor="ann"), actor="ann")
    alarms = [event.data for event in events(ctx, "alarm.launch")]
    assert [alarm["class"] for alarm in alarms] == told
    assert all((alarm["endpoint"], alarm["pool"]) == ("north", "astro-8") for alarm in alarms)
    assert all("told to refuse" in alarm["error"] for alarm in alarms)


def test_what_this_machine_lacks_leaves_the_batch_written(
    ctx: TestContext, cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this machine cannot send a batch, it stays Written for whoever can."""

    def broken(_self: TestContext, _name: str) -> None:
        raise Unusable("the environment variable is not set", where="env:CLOUD", mend="set it")

    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    monkeypatch.setattr(TestContext, "endpoint", broken)
    with pytest.raises(Unusable, match="set it"):
        launches.launch(ctx, batch, actor="ann")
    assert batch_of(ctx, batch).state is BatchState.WRITTEN
    assert not cloud.launches


def test_a_fault_of_a_driver_leaves_the_batch_in_doubt(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """What is no CloudError is raised, and the listing shall tell what was sent."""

    def fail(_request: LaunchRequest) -> None:
        raise ZeroDivisionError

    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    cloud.before_launch = fail
    with pytest.raises(ZeroDivisionError):
        launches.launch(ctx, batch, actor="ann")
    assert batch_of(ctx, batch).state is BatchState.UNKNOWN


def test_an_instance_goes_to_the_vm_it_names(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Where one call makes one VM, the mark decides which VM has which instance."""
    batch_id = launches.intend(ctx, "astro-8", 2, actor="ann")
    cloud.answers = [Lose(acted=False)]
    launches.launch(ctx, batch_id, actor="ann")
    first, second = [vm.id for vm in vms_of(ctx)]
    marks = [Mark("inst-test", batch_id, "astro", "astro-8", vm=vm) for vm in (second, first)]
    given = tuple(Instance(f"i-of-{mark.vm}", mark, "running") for mark in marks)
    answers.take(ctx, batch_of(ctx, batch_id), answers.LaunchResult(given), actor="ann")
    assert {vm.id: vm.instance_id for vm in vms_of(ctx)} == {first: f"i-of-{first}", second: f"i-of-{second}"}


def test_a_killed_process_leaves_a_batch_in_doubt_not_a_second_call(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Killed after the cloud acted: nobody sends again, and the listing binds what is there."""
    cloud.answers = [Die(acted=True)]
    batch = launches.intend(ctx, "astro-8", 2, actor="ann")
    with pytest.raises(Killed):
        launches.launch(ctx, batch, actor="ann")
    assert batch_of(ctx, batch).state is BatchState.CLAIMED
    look(ctx)
    assert states(ctx) == [VmState.SUBMITTED] * 2
    pass_time(ctx, 400)
    assert cloud.calls() == {batch: 1}
    assert batch_of(ctx, batch).state is BatchState.CLOSED


def test_killed_between_writing_and_claiming(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A planner that dies right after its plan leaves written batches: the next actor sends them, once."""
    submit_many(ctx, 1)
    planning.commit(ctx, actor="test")
    assert not cloud.launches
    for _ in range(5):
        cycle(ctx)
    assert list(cloud.calls().values()) == [1]


def test_a_batch_nobody_sent_is_given_up(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """After its deadline it is closed unsent, its VMs fail, and a late actor sends nothing."""
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    ctx.clock.advance(launches.UNSENT_SECONDS)
    assert launches.launch(ctx, batch, actor="late").state is BatchState.CLOSED
    assert states(ctx) == [VmState.FAILED]
    assert not cloud.launches


def test_nothing_is_sent_for_vms_that_were_stopped_meanwhile(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A batch whose VMs were all drained is closed unsent, and counts as no refusal."""
    batch = launches.intend(ctx, "astro-8", 2, actor="ann")
    fleet.drain(ctx, [vm.id for vm in vms_of(ctx)], actor="ann")
    report = launches.launch(ctx, batch, actor="ann")
    assert (report.state, report.error_class, cloud.launches) == (BatchState.CLOSED, None, [])
    aging.advance(ctx)
    assert states(ctx) == [VmState.HALTED] * 2


def test_only_vms_still_wanted_are_asked_for(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Of a batch of three with one VM stopped, two are sent, and the counts say so."""
    batch = launches.intend(ctx, "astro-8", 3, actor="ann")
    fleet.halt(ctx, [vms_of(ctx)[0].id], actor="ann")
    report = launches.launch(ctx, batch, actor="ann")
    assert (report.launched, report.refused, len(cloud.alive())) == (2, 1, 2)


def test_a_pool_that_left_closes_its_batch(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A batch of a removed pool is never sent, and its VMs say why."""
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("bio-8", "bio")))
    assert launches.launch(ctx, batch, actor="ann").state is BatchState.CLOSED
    assert [vm.reason for vm in vms_of(ctx)] == [launches.POOL_GONE]
    assert not cloud.launches


def test_a_pool_that_changed_its_vo_closes_its_batch(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A batch written for one VO is never sent with the pool of another."""
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "bio")))
    assert launches.launch(ctx, batch, actor="ann").state is BatchState.CLOSED
    assert not cloud.launches


def test_one_refusal_speaks_for_all_pools_of_a_cloud(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """However many pools a plan launches, a refusing cloud gets one call, and about one a minute later on."""
    names = [f"astro-{n}" for n in range(10)]
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(*(make_pool(name, "astro", min_vms=1) for name in names)))
    cloud.answers = [Refuse(QuotaExceeded)] * 1000
    cycle(ctx)
    assert len(cloud.launches) == 1
    pass_time(ctx, 1800, step=10)
    assert len(cloud.launches) <= 30


def test_a_persons_launch_is_sent_whatever_was_refused(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Back-off is the planner's: who launches by hand is answered by the cloud."""
    cloud.answers = [Refuse(QuotaExceeded)]
    for _ in range(2):
        launches.launch(ctx, launches.intend(ctx, "astro-8", 1, actor="ann"), actor="ann")
    assert len(cloud.launches) == 2
    assert len(cloud.alive()) == 1


@pytest.mark.usefixtures("cloud")
def test_an_answer_after_the_end_changes_nothing(ctx: TestContext) -> None:
    """An outcome is told once, or the launch budget would count it twice."""
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    launches.launch(ctx, batch, actor="ann")
    answers.take_refusal(ctx, batch_of(ctx, batch), QuotaExceeded("late"), actor="ann")
    assert len(events(ctx, "batch.answered")) == 1
    assert (batch_of(ctx, batch).launched, states(ctx)) == (1, [VmState.SUBMITTED])


@pytest.mark.parametrize("count", [0, -1, 101])
def test_by_hand_no_more_than_the_ramp(ctx: TestContext, count: int) -> None:
    """A count that cannot be gets an error that says which can; nothing is written."""
    with pytest.raises(BadInput, match="1 to 100"):
        launches.intend(ctx, "astro-8", count, actor="ann")
    assert not vms_of(ctx)


def test_unknown_pools_and_batches_are_named(ctx: TestContext) -> None:
    """A wrong name changes nothing and is repeated in the error."""
    with pytest.raises(UnknownThing, match="no-pool"):
        launches.intend(ctx, "no-pool", 1, actor="ann")
    with pytest.raises(UnknownThing, match="b-none"):
        launches.launch(ctx, "b-none", actor="ann")
