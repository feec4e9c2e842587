import json
from typing import Any

import pytest

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.codec import plan_from_plain, plan_to_plain, snapshot_from_plain, snapshot_to_plain
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step


@pytest.fixture
def plain(build: Any) -> Any:
    """A written snapshot, as it comes out of a file."""
    pool = build.pool()
    made = build.snapshot([pool], [build.queue(3)], [build.vm(pool, state=VmState.SUBMITTED)])
    return json.loads(json.dumps(snapshot_to_plain(made)))


def test_defaults_are_left_out(plain: Any) -> None:
    """A snapshot says only what is not self-evident."""
    assert "max_vms" not in plain["inventory"]["pools"]["p"]


def test_a_plan_goes_through_json(build: Any) -> None:
    """Reasons and VM names survive."""
    plan = step(build.snapshot([build.pool(max_vms=1)], [build.queue(30)]), Memory())[0]
    assert plan_from_plain(json.loads(json.dumps(plan_to_plain(plan)))) == plan


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("surprise",), 1, "snapshot: unknown field surprise"),
        (("demand", "queues", 0, "colour"), "red", "snapshot.demand.queues[0]: unknown field colour"),
        (("demand", "queues", 0, "waiting"), -1, "snapshot.demand.queues[0].waiting: -1 is no non-negative whole"),
        (("demand", "queues", 0, "waiting"), True, "snapshot.demand.queues[0].waiting: True is no"),
        (("demand", "complete"), "yes", "snapshot.demand.complete: 'yes' is neither true nor false"),
        (("at",), float("nan"), "snapshot.at: nan is no"),
        (("at",), "now", "snapshot.at: 'now' is no"),
        (("fleet", 0, "vm", "state"), "Sleeping", "snapshot.fleet[0].vm.state: 'Sleeping' is none of New"),
        (("fleet",), {}, "snapshot.fleet: {} is no list"),
        (("inventory", "pools", "p"), [], "snapshot.inventory.pools.p: [] is no object"),
        (("inventory", "pools", "p", "flavor"), 7, "snapshot.inventory.pools.p.flavor: 7 is no text"),
        (("fleet", 0, "vm", "reason"), {"code": 1}, "snapshot.fleet[0].vm.reason: {'code': 1} is no reason"),
        (("version",), 99, "snapshot: has version 99, readable is 1"),
    ],
)
def test_bad_input_names_its_place(plain: Any, where: tuple[Any, ...], value: Any, told: str) -> None:
    """Whoever reads the error knows what to mend."""
    inner = plain
    for step_in in where[:-1]:
        inner = inner[step_in]
    inner[where[-1]] = value
    with pytest.raises(BadInput) as caught:
        snapshot_from_plain(plain)
    assert str(caught.value).startswith(told)


def test_a_missing_field_is_named(plain: Any) -> None:
    """What has no default must be there."""
    del plain["fleet"][0]["vm"]["pool"]
    with pytest.raises(BadInput, match=r"snapshot\.fleet\[0\]\.vm: field pool is missing"):
        snapshot_from_plain(plain)


@pytest.mark.parametrize("plain", [None, [], "text"])
def test_what_is_no_object_is_refused(plain: Any) -> None:
    """Any JSON value gets an answer."""
    with pytest.raises(BadInput, match="no JSON object"):
        snapshot_from_plain(plain)
