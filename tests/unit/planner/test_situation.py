import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.plan import Finished, RetireOrder
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Run
from vmdirac_py.planner.codec import situation_from_json, situation_to_json
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.schema import schema
from vmdirac_py.planner.situation import Situation, bare, under, veiled
from vmdirac_py.planner.step import step

PERSON, SECRET = "jane doe", "s3cr3t"


@pytest.fixture
def situation(build: Any) -> Situation:
    """One in which a person and an option stand wherever they can."""
    pool = build.pool(options={"password": SECRET})
    told = Finished(1, "vo", PERSON, "vo_user", 300.0, 3600)
    vm = build.vm(pool, busy=1, address="192.0.2.7", reason=Reason.of("drain.by_hand", actor=PERSON))
    vm = replace(vm, runs=(Run(PERSON, "vo_user", build.AT - 60),))
    made = build.snapshot(
        [pool],
        [replace(build.queue(20), owner=PERSON)],
        [vm],
        endpoints=[Endpoint("e", "local", "SITE", options={"token": SECRET})],
        finished=(told,),
        orders=(RetireOrder("other", build.AT, build.AT + 9, 0, PERSON),),
    )
    _, memory = step(made, Memory())
    return Situation(made, memory)


def test_what_is_read_gives_the_same_plan(situation: Situation) -> None:
    """A situation from a file is decided as it was, memory included."""
    again = situation_from_json(situation_to_json(situation))
    assert again == situation
    assert step(again.snapshot, again.memory) == step(situation.snapshot, situation.memory)


def test_what_is_written_is_as_the_schema_says(situation: Situation) -> None:
    """Any validator takes it; one without a memory as well."""
    validator = Draft202012Validator(schema()["situation-1"])
    plain = json.loads(situation_to_json(situation))
    validator.validate(plain)
    del plain["memory"]
    validator.validate(plain)
    assert situation_from_json(json.dumps(plain).encode()).memory == Memory()


def test_bare_is_without_options_and_gives_the_same_plan(situation: Situation) -> None:
    """Nothing of a driver's options is told, nor what reasons name, nor addresses; the plan is the same."""
    less = bare(situation)
    text = situation_to_json(less).decode()
    assert SECRET not in text
    assert "192.0.2.7" not in text
    assert less.snapshot.fleet[0].vm.reason == Reason("drain.by_hand")
    assert step(less.snapshot, less.memory)[0] == step(situation.snapshot, situation.memory)[0]


def test_veiled_names_nobody_and_gives_the_same_plan(situation: Situation) -> None:
    """No person stands anywhere, and queues are not named by what can be tried; what is done is the same."""
    other = veiled(bare(situation), lambda name: f"u-{len(name)}")
    assert PERSON not in situation_to_json(other).decode()
    assert [queue.id for queue in other.snapshot.demand.queues] == ["tq-u-1"]
    plans = [step(one.snapshot, one.memory)[0] for one in (situation, other)]
    assert plans[0].decisions == plans[1].decisions


def test_another_inventory_takes_the_place_of_the_old(situation: Situation, build: Any) -> None:
    """What is waiting stays; endpoints that are gone are not looked at."""
    pool = build.pool("q", 4, endpoint="f")
    new = build.snapshot([pool], []).inventory
    view = build.listed(situation.snapshot, build.AT)
    changed = under(replace(situation, snapshot=replace(situation.snapshot, endpoints=view)), new)
    assert changed.snapshot.endpoints == ()
    assert set(build.launched(step(changed.snapshot, changed.memory)[0])) == {"q"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"surprise": 1}, "surprise"),
        ({"version": 7}, "has version 7"),
        ({"snapshot": {}}, r"f\.json\.snapshot: Object missing"),
        ({"memory": {"version": 1, "outcome_seq": -1}}, r"f\.json\.memory\.outcome_seq"),
    ],
)
def test_what_cannot_be_is_refused(situation: Situation, change: dict[str, Any], told: str) -> None:
    """The error names the file and the place in it."""
    plain = json.loads(situation_to_json(situation)) | change
    with pytest.raises(BadInput, match=told):
        situation_from_json(json.dumps(plain).encode(), name="f.json")
