# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values as plain rows."""

from __future__ import annotations

import json

from ansible_collections.vmdirac.cloud.plugins.module_utils.facts import summary
from ansible_collections.vmdirac.cloud.plugins.module_utils.rows import batch_row, plain

from vmdirac_py.model.batch import Batch, BatchKind, ErrorClass
from vmdirac_py.model.plan import Action, Decision, Placement, Plan
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations.api import BatchReport

WHY = Reason.of("launch.by_hand", actor="unix:ada")


def batch():
    """Return a batch as it stands in the ledger."""
    return Batch("b-1", BatchKind.LAUNCH, "here", "small", "alpha", 2, "", "unix:ada", 1.0, 2.0)


def test_a_record_becomes_json():
    """Nested values, enums and reasons are what JSON knows, and the reason has words."""
    vm = Vm("vm-1", "b-1", "here", "small", "alpha", Resources(2), VmState.NEW, 1.0, 1.0, 2.0, reason=WHY)
    row = plain(vm)
    assert json.loads(json.dumps(row)) == row
    assert (row["state"], row["resources"]["cores"], row["reason"]["code"]) == ("New", 2, "launch.by_hand")
    assert "ada" in row["reason"]["words"]


def test_a_stored_batch_reads_like_a_report():
    """Before and after a launch can be compared: the same keys."""
    report = BatchReport("b-1", BatchKind.LAUNCH, batch().state, "here", "small", 2, 0, 0, sent=False, instances={})
    assert batch_row(batch()) == plain(report)


def test_an_error_class_is_a_word():
    """What a playbook compares is the plain word."""
    assert plain(ErrorClass.NO_CAPACITY) == "no_capacity"


def test_a_plan_can_be_read_aloud():
    """Actions come first, then why the rest waits; an empty plan says so."""
    decision = Decision(Action.LAUNCH, "here", "small", "alpha", 3, WHY)
    placement = Placement("q1", "alpha", 0, 0, 3, 2, (Reason.of("limit.pool_vms", limit=3),))
    lines = summary(Plan(1.0, (decision,), (placement,), ()))
    assert lines[0].startswith("launch 3 in small: ")
    assert lines[1].startswith("2 jobs of alpha in queue q1 stay: ")
    assert summary(Plan(1.0, (), (), ())) == ["nothing to start or drain"]
