"""A canary is started, looked at and ended, whatever happens; a scheduler at work meanwhile is not disturbed by it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.doubles.cloud import Die, Killed, Lose, Refuse, ScriptedCloud
from tests.support.acting import cycle, pass_time
from tests.support.context import TestContext, add_vm, events, vms_of
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.clouds.api import Finding, LaunchRequest, Mark, QuotaExceeded
from vmdirac_py.model.batch import BatchState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import canaries, launches

PATIENCE = 30.0
Fly = Callable[..., dict[str, Finding]]


@dataclass
class Talking(ScriptedCloud):
    """A cloud with consoles."""

    text: str = ""

    def console(self, instance_id: str) -> str:
        """Return what every instance wrote."""
        assert instance_id in self._instances
        return self.text


@pytest.fixture
def fly(ctx: TestContext) -> Fly:
    """Fly a canary to its end and return its findings; time passes by its own naps."""

    def go(**more: Any) -> dict[str, Finding]:
        more = {"seconds": PATIENCE, "nap": ctx.clock.advance, "say": lambda _: None, **more}
        return {one.about: one for one in canaries.canary(ctx, "north", actor="ann", **more)}

    return go


def die(_seconds: float) -> None:
    """Be killed where one would nap."""
    raise Killed


def states(ctx: TestContext) -> list[VmState]:
    """Return every state any VM ever was in."""
    with ctx.ledger.read() as tx:
        return [step.to for vm in vms_of(ctx) for step in tx.vms.history(vm.id)]


def test_all_is_well(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """It is launched once with our mark, seen, ended, and leaves a VM that never was one."""
    findings = fly()
    assert [(about, one.ok) for about, one in findings.items()] == [
        ("launch", True),
        ("listing", True),
        ("mark", True),
        ("end", True),
    ]
    (request,) = cloud.launches
    assert (request.mark.installation, len(request.vms)) == ("inst-test", 1)
    assert cloud.alive() == []
    assert states(ctx) == [VmState.FAILED, VmState.HALTED]


def test_nobody_can_enrol_with_it(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """Its batch is settled before it is sent, so nobody sends it again, and no token is good for it."""

    def look(request: LaunchRequest) -> None:
        with ctx.ledger.read() as tx:
            batch = tx.batches.get(request.mark.batch)
        assert batch
        assert (batch.state, batch.token_hash) == (BatchState.CLOSED, "")
        assert not launches.launch(ctx, batch.id, actor="bob").sent

    cloud.before_launch = look
    assert fly()["launch"].ok


def test_a_refusal_is_told(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """What the cloud refuses is a finding with its class; nothing is left, and nothing is looked for."""
    cloud.answers = [Refuse(QuotaExceeded)]
    findings = fly()
    assert list(findings) == ["launch", "end"]
    assert "quota" in findings["launch"].text
    assert not findings["launch"].ok
    assert findings["end"].ok
    assert cloud.terminations == []
    assert states(ctx) == [VmState.FAILED, VmState.HALTED]


@pytest.mark.parametrize("late", [0.0, PATIENCE + 40.0])
def test_a_lost_answer_is_found_and_ended(cloud: ScriptedCloud, fly: Fly, late: float) -> None:
    """What came of a launch without an answer, at once or late, is found by its mark and ended."""
    cloud.answers = [Lose(acted=True, late=late)]
    findings = fly()
    assert not findings["launch"].ok
    assert findings["end"].ok
    assert cloud.alive() == []
    assert len(cloud.terminations) == 1


def test_what_never_shows_up_is_not_sworn_off(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """Where nothing came of a lost answer so far, that is said, and the scheduler ends what comes much later."""
    cloud.answers = [Lose(acted=True, late=600.0)]
    findings = fly()
    assert not findings["end"].ok
    assert findings["end"].mend
    pass_time(ctx, 2400, step=150)
    assert cloud.alive() == []
    assert {vm.state for vm in vms_of(ctx)} == {VmState.HALTED}
    assert VmState.SUBMITTED not in states(ctx)


def test_a_person_who_loses_patience(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """Ctrl-C while it is waited for ends it first, and what was found so far is told."""
    cloud.lag, naps = 20.0, iter([KeyboardInterrupt])

    def nap(seconds: float) -> None:
        ctx.clock.advance(seconds)
        for interrupt in naps:
            raise interrupt

    findings = fly(nap=nap)
    assert findings["launch"].ok
    assert not findings["canary"].ok
    assert findings["end"].ok
    assert cloud.alive() == []


def test_a_person_who_loses_patience_within_the_call(cloud: ScriptedCloud, fly: Fly) -> None:
    """Ctrl-C while the cloud is asked waits for the answer, which names what is then ended, listed or not."""
    cloud.lag = 3600.0
    cloud.before_launch = lambda _: signal.raise_signal(signal.SIGINT)
    findings = fly()
    assert not findings["canary"].ok
    assert cloud.alive() == []


def test_killed_it_is_ended_by_the_scheduler(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """A canary whose process died lives no longer than its deadline, and is never taken for a VM."""
    cloud.lag = 20.0
    with pytest.raises(Killed):
        fly(nap=die)
    assert len(cloud.alive()) == 1
    pass_time(ctx, 1500, step=150)
    assert cloud.alive() == []
    assert set(states(ctx)) == {VmState.FAILED, VmState.STOPPING, VmState.HALTED}
    assert states(ctx)[-1] is VmState.HALTED


def test_killed_within_the_call(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """Where the process died before it heard of the instance, the listing finds it, and it is ended as a leak."""
    cloud.answers = [Die(acted=True)]
    cloud.lag = 20.0
    with pytest.raises(Killed):
        fly(nap=die)
    pass_time(ctx, 2400, step=150)
    assert cloud.alive() == []
    assert VmState.SUBMITTED not in states(ctx)
    assert {vm.state for vm in vms_of(ctx)} == {VmState.HALTED}


def test_a_scheduler_at_work_leaves_it_alone(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """While it flies, plans and listings neither adopt nor end it, nor think that the ledger is blind."""
    cloud.lag = 10.0
    terminated: list[int] = []

    def nap(seconds: float) -> None:
        ctx.clock.advance(seconds)
        cycle(ctx)
        terminated.append(len(cloud.terminations))

    assert all(finding.ok for finding in fly(nap=nap).values())
    assert sum(terminated) == 0
    assert len(cloud.terminations) == 1
    assert events(ctx, "vm.adopted", "alarm.blind", "plan.made") == []
    assert {vm.state for vm in vms_of(ctx)} == {VmState.HALTED}


def test_other_vms_are_not_touched(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """Only what bears the canary's own mark is ended."""
    other = cloud.add(Mark(ctx.installation_id, add_vm(ctx).batch, "astro", "astro-8"))
    fly()
    assert [instance.id for instance in cloud.alive()] == [other.id]


def test_a_cloud_that_does_not_end_it(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """Where it is still there long after it was told to end, that is said, and the scheduler goes on trying."""
    cloud.deaf = True
    findings = fly()
    assert not findings["end"].ok
    cloud.deaf = False
    pass_time(ctx, 1500, step=150)
    assert cloud.alive() == []


def test_a_fault_is_told(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """An instance that ends by itself is no success."""
    cloud.lag = 4.0

    def nap(seconds: float) -> None:
        ctx.clock.advance(seconds)
        for instance in cloud.alive():
            cloud.kill(instance.id)

    findings = fly(nap=nap)
    assert not findings["listing"].ok
    assert "ended by itself" in findings["listing"].text


@pytest.mark.parametrize(
    ("text", "told"),
    [(f"boot\n{canaries.WORD}\n", "it ran our user data"), ("", "nothing was written"), ("kernel panic", "panic")],
)
def test_its_console_is_shown(ctx: TestContext, fly: Fly, text: str, told: str) -> None:
    """Where the cloud shows consoles, what it wrote is told; silence is no failure."""
    ctx.endpoints = {"north": Talking(ctx.clock, text=text)}
    finding = fly()["console"]
    assert finding.ok
    assert told in finding.text


def test_a_pool_by_name(cloud: ScriptedCloud, fly: Fly) -> None:
    """The pool that is named is tried, else the endpoint's first."""
    fly(pool="bio-8")
    fly()
    assert [request.pool.name for request in cloud.launches] == ["bio-8", "astro-8"]


def test_an_unknown_pool_starts_nothing(ctx: TestContext, cloud: ScriptedCloud, fly: Fly) -> None:
    """A pool that is not of this endpoint is named, and nothing is written or launched."""
    with pytest.raises(UnknownThing, match="nowhere-8"):
        fly(pool="nowhere-8")
    assert cloud.launches == []
    assert vms_of(ctx) == []
