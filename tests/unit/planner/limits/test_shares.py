from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.planner.limits import limits_of
from vmdirac_py.planner.limits.shares import filled, weights
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

amounts = st.dictionaries(st.sampled_from("abcd"), st.floats(0.001, 1e4), min_size=1)


def contest(build: Any, one: int, other: int, *, shares: tuple[float, float] = (1.0, 1.0), **limits: int) -> Snapshot:
    """Two VOs with jobs of one core waiting for one endpoint, of 80 cores unless told otherwise."""
    pools = [build.pool("a", vo="one"), build.pool("b", vo="other")]
    queues = [build.queue(one, "qa", vo="one"), build.queue(other, "qb", vo="other")]
    vos = [Vo("one", share=shares[0]), Vo("other", share=shares[1])]
    limited = Endpoint("e", "local", "SITE", ramp=10_000, **(limits or {"max_cores": 80}))
    return build.snapshot(pools, queues, vos=vos, endpoints=[limited])


@pytest.mark.parametrize(
    ("shares", "launched"),
    [((1.0, 1.0), {"a": 5, "b": 5}), ((3.0, 1.0), {"a": 8, "b": 2}), ((9.0, 1.0), {"a": 9, "b": 1})],
)
def test_vos_share_by_weight(build: Any, shares: tuple[float, float], launched: dict[str, int]) -> None:
    """Where both want all, each gets its part; the VM in which a part ends goes to whoever comes first."""
    assert build.launched(step(contest(build, 500, 500, shares=shares), Memory())[0]) == launched


def test_a_vo_alone_uses_all(build: Any) -> None:
    """A share of one in a hundred is no limit while nobody else waits."""
    assert build.launched(step(contest(build, 500, 0, shares=(1.0, 99.0)), Memory())[0]) == {"a": 10}


def test_what_others_do_not_want_is_not_kept_for_them(build: Any) -> None:
    """A VO that wants little leaves the rest."""
    assert build.launched(step(contest(build, 500, 8, shares=(1.0, 99.0)), Memory())[0]) == {"a": 9, "b": 1}


def test_who_used_much_lately_gets_less(build: Any) -> None:
    """With equal shares, the one that used all so far gets a fifth, by Slurm's factor: 1/4 against 1."""
    memory = Memory(used={"e/one": 1e6}, counted_at=build.AT)
    assert build.launched(step(contest(build, 500, 500), memory)[0]) == {"a": 2, "b": 8}


def test_the_reason_names_the_share(build: Any) -> None:
    """The pool says that its VO has its share, of what."""
    plan = step(contest(build, 500, 500), Memory())[0]
    reason = next(reason for note in plan.pools if note.pool == "a" for reason in note.reasons)
    assert (reason.code, reason.as_dict) == ("limit.share", {"vo": "one", "endpoint": "e", "percent": 50})


def test_shares_of_vms(build: Any) -> None:
    """An endpoint limited in VMs is shared in VMs."""
    assert build.launched(step(contest(build, 500, 500, max_vms=6), Memory())[0]) == {"a": 3, "b": 3}


def test_jobs_of_other_sites_do_not_compete(build: Any) -> None:
    """Who waits for another site is no reason to hold anybody back here."""
    snapshot = contest(build, 500, 500)
    far = build.queue(500, "qb", vo="other", sites=("FAR",))
    demand = replace(snapshot.demand, queues=(snapshot.demand.queues[0], far))
    assert build.launched(step(replace(snapshot, demand=demand), Memory())[0]) == {"a": 10}


def test_a_closed_pool_does_not_compete(build: Any) -> None:
    """A VO whose campaign is over keeps no share."""
    snapshot = contest(build, 500, 500)
    over = replace(snapshot.inventory.pools["b"], campaign_end=build.AT - 1)
    inventory = replace(snapshot.inventory, pools={**snapshot.inventory.pools, "b": over})
    assert build.launched(step(replace(snapshot, inventory=inventory), Memory())[0]) == {"a": 10}


def test_held_cores_count(build: Any) -> None:
    """A VO that has its share launches nothing more while others wait."""
    snapshot = contest(build, 500, 500)
    pool = snapshot.inventory.pools["a"]
    fleet = tuple(build.vm(pool, f"vm-{n}", busy=8) for n in range(6))
    limits = limits_of(replace(snapshot, fleet=fleet), Memory())
    room, reason = limits.room(pool)
    assert room == 0
    assert reason
    assert reason.code == "limit.share"
    assert limits.room(snapshot.inventory.pools["b"])[0] == 4


@given(st.floats(0, 1e4), amounts, st.data())
def test_filling_wastes_nothing_and_spoils_nobody(capacity: float, wants: dict[str, float], data: Any) -> None:
    """Nobody gets more than it wants, all together no more than there is, and nothing is left while somebody wants."""
    heavy = {name: data.draw(st.floats(0.001, 100.0)) for name in wants}
    given_out = filled(capacity, wants, heavy)
    assert given_out.keys() == wants.keys()
    assert all(given_out[name] <= wants[name] * (1 + 1e-9) for name in wants)
    assert sum(given_out.values()) == pytest.approx(min(capacity, sum(wants.values())))


@given(st.floats(1, 1e9), st.floats(1, 1e9), st.floats(1.01, 10.0))
def test_more_use_never_weighs_more(mine: float, theirs: float, more: float) -> None:
    """The more a VO used, the less it weighs against the same others."""
    vos = {"one": Vo("one"), "other": Vo("other")}
    little = weights(Memory(used={"e/one": mine, "e/other": theirs}), "e", vos)
    much = weights(Memory(used={"e/one": mine * more, "e/other": theirs}), "e", vos)
    assert much["one"] / much["other"] <= little["one"] / little["other"]
