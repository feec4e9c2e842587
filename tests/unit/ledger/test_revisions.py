"""Inventory revisions and plans."""

from __future__ import annotations

from msgspec.structs import replace

from vmdirac_py.ledger.api import PlanRecord
from vmdirac_py.ledger.engine import SqlLedger
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import Action, Decision, Placement, Plan, PoolNote
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources

POOL = Pool("p", "cloud", "vo", "LCG.A.b", "m1", "debian", Resources(8, 16000), tags=("GPU",), options={"net": ["a"]})
FIRST = Inventory("aa", {"vo": Vo("vo", ("vo_user",))}, {"cloud": Endpoint("cloud", "local", "LCG.A.b")}, {"p": POOL})
SECOND = replace(FIRST, fingerprint="bb", commit="0123")
WHY = Reason.of("demand.jobs", jobs=80)
PLAN = Plan(
    100.0,
    (Decision(Action.LAUNCH, "cloud", "p", "vo", 10, WHY),),
    (Placement("tq-1", "vo", 1, 2, 3, 4, (WHY,)),),
    (PoolNote("p", (WHY,)),),
)


def test_the_inventory_added_last_is_active(ledger: SqlLedger) -> None:
    """Going back to an older one makes that active again; before the first there is none."""
    with ledger.write() as tx:
        assert tx.revisions.active() is None
        for inventory in (FIRST, SECOND, FIRST):
            tx.revisions.add(inventory)
            assert tx.revisions.active() == inventory


def test_the_active_inventory_again_changes_nothing(ledger: SqlLedger) -> None:
    """No second row is written for the same fingerprint."""
    with ledger.write() as tx:
        for inventory in (FIRST, SECOND, SECOND):
            tx.revisions.add(inventory)
        assert tx.revisions.connection.exec_driver_sql("SELECT count(*) FROM revisions").scalar_one() == 2


def test_plans_are_kept_by_id_and_the_newest_is_known(ledger: SqlLedger) -> None:
    """Whole plans come back."""
    other = replace(PLAN, at=200.0, decisions=())
    with ledger.write() as tx:
        assert tx.plans.latest() is None
        tx.plans.add("plan-z", PLAN, base_seq=1, revision="aa")
        tx.plans.add("plan-a", other, base_seq=2, revision="aa")
        assert tx.plans.get("plan-z") == PLAN
        assert tx.plans.get("plan-none") is None
        assert tx.plans.latest() == ("plan-a", other)


def test_a_plan_is_traced_to_its_inventory(ledger: SqlLedger) -> None:
    """By id or by its very moment a plan's record names the revision, and the revision is there, active or not."""
    with ledger.write() as tx:
        for inventory in (SECOND, FIRST):
            tx.revisions.add(inventory)
        tx.plans.add("plan-z", PLAN, base_seq=1, revision="bb")
        assert tx.plans.record("plan-z") == tx.plans.made_at(100.0) == PlanRecord("plan-z", 100.0, "bb")
        assert (tx.plans.record("plan-none"), tx.plans.made_at(100.5)) == (None, None)
        assert (tx.revisions.get("bb"), tx.revisions.get("cc")) == (SECOND, None)
