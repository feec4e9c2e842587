import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import Plan, PoolNote, Snapshot
from vmdirac_py.model.queue import Demand
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.codec import plan_from_json, plan_to_json, snapshot_from_json, snapshot_to_json
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step


@pytest.fixture
def plain(build: Any) -> Any:
    """A written snapshot, as JSON values."""
    pool = build.pool()
    made = build.snapshot([pool], [build.queue(3)], [build.vm(pool, state=VmState.SUBMITTED)])
    return json.loads(snapshot_to_json(made))


def read(plain: Any) -> Any:
    """Read a snapshot from JSON values."""
    return snapshot_from_json(json.dumps(plain).encode())


def test_defaults_are_left_out(plain: Any) -> None:
    """A snapshot says only what is not self-evident."""
    assert "max_vms" not in plain["inventory"]["pools"]["p"]


def test_a_plan_goes_through_json(build: Any) -> None:
    """Reasons and VM names survive."""
    plan = step(build.snapshot([build.pool(max_vms=1)], [build.queue(30)]), Memory())[0]
    assert plan_from_json(plan_to_json(plan)) == plan


def test_a_reason_is_an_object(build: Any) -> None:
    """Other programs find the parameters of a reason by name, and none where there are none."""
    reasons = (Reason.of("limit.pool_vms", pool="p", max=1), Reason.of("pool.no_demand"))
    plan = json.loads(plan_to_json(Plan(build.AT, (), (), (PoolNote("p", reasons),))))
    told, bare = plan["pools"][0]["reasons"]
    assert told == {"code": "limit.pool_vms", "params": {"pool": "p", "max": 1}}
    assert bare == {"code": "pool.no_demand"}


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("surprise",), 1, "snapshot: Object contains unknown field `surprise`"),
        (("demand", "queues", 0, "colour"), "red", "snapshot.demand.queues[0]: Object contains unknown field `colour`"),
        (("demand", "queues", 0, "waiting"), -1, "snapshot.demand.queues[0].waiting: Expected `int` >= 0"),
        (("demand", "queues", 0, "waiting"), True, "snapshot.demand.queues[0].waiting: Expected `int`, got `bool`"),
        (("demand", "queues", 0, "waiting"), 1.5, "snapshot.demand.queues[0].waiting: Expected `int`, got `float`"),
        (("demand", "complete"), "yes", "snapshot.demand.complete: Expected `bool`, got `str`"),
        (("at",), -0.5, "snapshot.at: Expected `float` >= 0"),
        (("at",), float("nan"), "snapshot: is no JSON that can be read"),
        (("at",), "now", "snapshot.at: Expected `float`, got `str`"),
        (("fleet", 0, "vm", "state"), "Sleeping", "snapshot.fleet[0].vm.state: Invalid enum value 'Sleeping'"),
        (("fleet",), {}, "snapshot.fleet: Expected `array`, got `object`"),
        (("inventory", "pools", "p"), [], "snapshot.inventory.pools.p: Expected `object`, got `array`"),
        (("inventory", "pools", "p", "flavor"), 7, "snapshot.inventory.pools.p.flavor: Expected `str`, got `int`"),
        (("inventory", "pools", "p", "resources", "cores"), -1, "snapshot.inventory.pools.p.resources.cores: Expected"),
        (("fleet", 0, "vm", "reason"), {"code": 1}, "snapshot.fleet[0].vm.reason: Expected a reason"),
        (
            ("fleet", 0, "vm", "reason"),
            {"code": "x", "params": {"a": []}},
            "snapshot.fleet[0].vm.reason: Expected `",
        ),
        (("version",), 99, "snapshot: has version 99, readable is 1"),
        (("version",), 0, "snapshot: has version 0, readable is 1"),
        (("version",), None, "snapshot: has version None, readable is 1"),
        (("version",), True, "snapshot.version: Expected `int`"),
    ],
)
def test_bad_input_names_its_place(plain: Any, where: tuple[Any, ...], value: Any, told: str) -> None:
    """Whoever reads the error knows what to mend."""
    inner = plain
    for step_in in where[:-1]:
        inner = inner[step_in]
    inner[where[-1]] = value
    with pytest.raises(BadInput) as caught:
        read(plain)
    assert str(caught.value).startswith(told)


def test_a_missing_field_is_named(plain: Any) -> None:
    """What has no default must be there."""
    del plain["fleet"][0]["vm"]["pool"]
    with pytest.raises(BadInput, match=r"snapshot\.fleet\[0\]\.vm: Object missing required field `pool`"):
        read(plain)


def test_a_version_must_be_told(plain: Any) -> None:
    """What says no version may be anything."""
    del plain["version"]
    with pytest.raises(BadInput, match="has version None, readable is 1"):
        read(plain)


def test_the_version_may_stand_anywhere(plain: Any) -> None:
    """The order of fields in an object has no meaning."""
    turned = dict(reversed(plain.items()))
    assert next(iter(turned)) != "version"
    assert read(turned) == read(plain)


def test_priorities_may_be_negative(plain: Any) -> None:
    """A priority orders; it counts nothing."""
    plain["inventory"]["pools"]["p"]["priority"] = -3
    plain["demand"]["queues"][0]["priority"] = -0.5
    assert read(plain).inventory.pools["p"].priority == -3


def test_the_wrong_one_of_many_is_named(plain: Any) -> None:
    """Of a thousand pools the one that is wrong is told."""
    pools = plain["inventory"]["pools"]
    pools |= {f"p{n}": {**pools["p"], "name": f"p{n}"} for n in range(1000)}
    pools["p700"]["min_vms"] = -1
    with pytest.raises(BadInput) as caught:
        read(plain)
    assert caught.value.where == "snapshot.inventory.pools.p700.min_vms"


@pytest.mark.parametrize("plain", [None, [], "text", 3])
def test_what_is_no_object_is_refused(plain: Any) -> None:
    """Any JSON value gets an answer."""
    with pytest.raises(BadInput, match="no JSON object"):
        read(plain)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"version": 1, "at": 1e999}', b"\xff", b"{} {}", b"[" * 100_000])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    """Any bytes get an answer."""
    with pytest.raises(BadInput, match="snapshot"):
        snapshot_from_json(raw)


@given(st.data())
def test_half_a_snapshot_is_refused(data: st.DataObject) -> None:
    """A file that was cut off is never taken for a smaller world."""
    whole = snapshot_to_json(Snapshot(1.0, 1, Inventory("f", {}, {}, {}), Demand(1.0, True, "test", ()), ()))
    with pytest.raises(BadInput, match="snapshot"):
        snapshot_from_json(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_a_field_given_twice_gets_an_answer() -> None:
    """Even where msgspec and the place it names read different things."""
    with pytest.raises(BadInput, match="snapshot"):
        snapshot_from_json(b'{"version": 1, "fleet": [{"vm": {"id": 1}}], "fleet": 3}')


def test_what_has_no_form_is_not_written(build: Any) -> None:
    """Nothing is written as something else."""
    with pytest.raises(NotImplementedError, match="object has no form in JSON"):
        snapshot_to_json(build.snapshot([build.pool(options={"a": object()})], []))
