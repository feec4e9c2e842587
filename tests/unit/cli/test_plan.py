"""`vmdirac plan` with another inventory, and what it does otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.context import open_again
from tests.unit.cli.conftest import Run
from vmdirac_py.base.clock import SystemClock
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.inventory.api import BadInventory
from vmdirac_py.operations import planning
from vmdirac_py.planner.schema import schema


@pytest.fixture
def kept(busy: Path) -> str:
    """A plan that launched a VM for the waiting job, by id."""
    ctx = open_again(busy, clock=SystemClock())
    plan_id = planning.commit(ctx, actor="test").plan_id
    ctx.ledger.close()
    return plan_id


def test_a_plan_is_as_its_schema_says(vmdirac: Run) -> None:
    """What `--json` prints is versioned, and valid by the published schema."""
    told = json.loads(vmdirac("plan", "--json").stdout)
    assert told["decisions"][0]["reason"]["params"] == {"jobs": 1, "queues": 1}
    Draft202012Validator(schema()["plan-1"]).validate(told)


def test_another_inventory_is_planned_with(vmdirac: Run, written: Callable[..., Path]) -> None:
    """Its limit binds, although the installation's does not."""
    told = vmdirac("plan", "-i", written("new", pool_max_vms=0)).stdout
    assert "Nothing to do" in told
    assert "at its limit of 0 VMs" in told


def test_two_inventories_are_compared(vmdirac: Run, written: Callable[..., Path], tmp_path: Path) -> None:
    """On the installation's situation or on one from a file: what goes, where jobs stay, which reason came."""
    old, new = written("old"), written("new", pool_max_vms=0)
    vmdirac("snapshot", tmp_path / "now.json")
    for more, home in (((), True), (("--snapshot", tmp_path / "now.json"), False)):
        told = json.loads(vmdirac("plan", "-i", new, "--against", old, *more, "--json", home=home).stdout)
        (action,) = told["actions"]
        assert (action["pool"], action["before"], action["after"]) == ("astro-8", 1, 0)
        assert told["queues"][0]["after"]["unplaced"] == 1
        came = [reason["after"]["code"] for reason in told["reasons"] if not reason["before"]]
        assert "limit.pool_vms" in came
    text = vmdirac("plan", "-i", new, "--against", old).stdout
    assert "astro-8" in text
    assert "at its limit of 0 VMs" in text


def test_the_exit_code_says_whether_something_differs(vmdirac: Run, written: Callable[..., Path]) -> None:
    """Only where it is asked for: 2 for a difference, 0 for none."""
    old, new = written("old"), written("new", pool_max_vms=0)
    assert vmdirac("plan", "-i", new, "--against", old).exit_code == 0
    assert vmdirac("plan", "-i", new, "--against", old, "--detailed-exitcode").exit_code == 2
    same = vmdirac("plan", "-i", old, "--against", old, "--detailed-exitcode")
    assert (same.exit_code, same.stdout.strip()) == (0, "Nothing differs.")


def test_now_is_compared_with_a_kept_plan(vmdirac: Run, kept: str) -> None:
    """The last one or one by id: its launch is not asked for any more, the job has its place on a booting VM."""
    last, named = (json.loads(vmdirac("plan", *more, "--diff", "--json").stdout) for more in ((), (kept,)))
    assert last == named
    assert [(one["action"], one["before"], one["after"]) for one in last["actions"]] == [("launch", 1, 0)]
    (shift,) = last["queues"]
    assert (shift["before"]["on_new"], shift["after"]["on_booting"]) == (1, 1)
    assert "0 > 1" in vmdirac("plan", "--diff").stdout


def test_without_a_kept_plan_there_is_nothing_to_compare_with(vmdirac: Run) -> None:
    """The error says so."""
    with pytest.raises(UnknownThing, match="no plan was kept yet"):
        vmdirac("plan", "--diff")
    with pytest.raises(UnknownThing, match="no such plan"):
        vmdirac("plan", "p-none", "--diff")


@pytest.mark.parametrize(
    "words", [("p-1", "-i", "x"), ("--diff", "--against", "x"), ("--detailed-exitcode",), ("p-1", "--snapshot", "x")]
)
def test_no_option_is_passed_over(vmdirac: Run, words: tuple[str, ...]) -> None:
    """What would have no effect is refused."""
    assert vmdirac("plan", *words).exit_code == 2


def test_a_broken_inventory_is_refused(vmdirac: Run, written: Callable[..., Path]) -> None:
    """With all its problems, as by `inventory check`."""
    with pytest.raises(BadInventory, match="pool_cores"):
        vmdirac("plan", "-i", written("new", pool_cores=-1))


def test_why_takes_a_time(vmdirac: Run, kept: str) -> None:
    """The pool's launch is told of its time, with the plan's id, and not of an hour ago."""
    assert kept in vmdirac("why", "astro-8").stdout
    assert kept in vmdirac("why", "astro-8", "--since", "10min").stdout
    assert "Nothing happened then" in vmdirac("why", "astro-8", "--at", "1h").stdout
    assert json.loads(vmdirac("why", "astro-8", "--until", "1h", "--json").stdout) == []
    assert vmdirac("why", "astro-8", "--at", "1h", "--since", "2h").exit_code == 2
