import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from msgspec.structs import replace

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.model.plan import EndpointView, Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.codec import plan_to_json, snapshot_from_json, snapshot_to_json
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.schema import schema
from vmdirac_py.planner.step import step


@pytest.fixture
def snapshot(build: Any) -> Snapshot:
    """A world in which something of each kind is."""
    pool, shut = build.pool(options={"network": "n"}), build.pool("shut", max_vms=0)
    fleet = [build.vm(pool, busy=3, reason=Reason.of("vm.running")), build.vm(pool, "vm-2", VmState.SUBMITTED)]
    made: Snapshot = build.snapshot(
        [pool, shut],
        [build.queue(50), build.queue(1, "gpu", gpus=4, tags=("GPU",))],
        fleet,
        vos=[Vo("vo", ("vo_user",), max_cores=32)],
        endpoints=[Endpoint("e", "local", "SITE", max_vms=3)],
    )
    return replace(made, endpoints=(EndpointView("e", build.AT, 1, 2, 10),))


@pytest.mark.parametrize("name", ["snapshot-1", "plan-1"])
def test_schemas_are_schemas(name: str) -> None:
    """Any validator of JSON Schema 2020-12 takes them."""
    Draft202012Validator.check_schema(schema()[name])


def test_what_is_written_is_valid(snapshot: Snapshot) -> None:
    """A snapshot and its plan are as their schemas say."""
    plan = step(snapshot, Memory())[0]
    assert plan.decisions
    _validate("snapshot-1", snapshot_to_json(snapshot))
    _validate("plan-1", plan_to_json(plan))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("version",), 2),
        (("surprise",), 1),
        (("at",), -1),
        (("fleet", 0, "vm", "state"), "Sleeping"),
        (("fleet", 0, "vm", "reason"), {"code": 7}),
        (("inventory", "pools", "p", "max_vms"), 1.5),
    ],
)
def test_what_cannot_be_read_is_not_valid(snapshot: Snapshot, where: tuple[Any, ...], value: Any) -> None:
    """The schema refuses what the program refuses."""
    plain = json.loads(snapshot_to_json(snapshot))
    inner = plain
    for step_in in where[:-1]:
        inner = inner[step_in]
    inner[where[-1]] = value
    with pytest.raises(ValidationError):
        _validate("snapshot-1", json.dumps(plain).encode())
    with pytest.raises(BadInput):
        snapshot_from_json(json.dumps(plain).encode())


def _validate(name: str, raw: bytes) -> None:
    Draft202012Validator(schema()[name]).validate(json.loads(raw))
