#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Look, decide, and write down what is to be done
version_added: 0.1.0
description:
  - One cycle up to the deed. Loads the inventory if it changed, lists every endpoint, applies deadlines that have
  - Then plans, and writes batches for M(vmdirac.cloud.instance) to act on.
  - When the scheduler or somebody else is planning, it says who, and changes nothing.
extends_documentation_fragment:
  - vmdirac.cloud.home
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
author:
  - The vmdirac_py authors (@DIRACGrid)
"""

EXAMPLES = r"""
- name: Look and decide
  vmdirac.cloud.plan:
    home: /var/lib/vmdirac
  register: cycle

- name: Start what was decided
  vmdirac.cloud.instance:
    home: /var/lib/vmdirac
    batches: "{{ cycle.launches }}"
  when: cycle.launches | length > 0
"""

RETURN = r"""
decisions:
  description: What to start and to drain, in order, each with its reason.
  returned: nobody else plans
  type: list
  elements: dict
  sample:
    - action: launch
      endpoint: local
      pool: biomed_small
      vo: biomed
      count: 3
      vms: []
      reason: {code: launch.demand, params: {jobs: 3}, words: 3 jobs wait}
placements:
  description: Where the waiting jobs of each queue are expected to run.
  returned: nobody else plans
  type: list
  elements: dict
  sample:
    - queue: "5d41402abc4b"
      vo: biomed
      on_running: 1
      on_booting: 0
      on_new: 3
      unplaced: 0
      reasons: []
pools:
  description: What binds each pool.
  returned: nobody else plans
  type: list
  elements: dict
  sample:
    - pool: biomed_small
      reasons: []
summary:
  description: The same in lines for people, after the problems.
  returned: success
  type: list
  elements: str
  sample: ["launch 3 in biomed_small: 3 jobs wait"]
launches:
  description: Launch batches that were written.
  returned: success
  type: list
  elements: str
retires:
  description: Retire batches that were written.
  returned: success
  type: list
  elements: str
held_by:
  description: Who else plans; empty when nobody does.
  returned: success
  type: str
problems:
  description: Endpoints that could not be listed or swept, and what is wrong with the inventory, or unwise in it.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.facts import plan_rows, summary
from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Change, run_change
from ansible_collections.vmdirac.cloud.plugins.module_utils.rows import plain

NOTHING = {"launches": [], "retires": [], "problems": [], "placements": [], "pools": []}


class Cycle(Change):
    """Refresh, observe, advance, commit; a row is a decision."""

    results = "decisions"

    def find(self):
        self.told = {**NOTHING, "held_by": self.holder(), "summary": []}
        self.moved = False
        return []

    def holder(self):
        """Return who else plans; a holder that surely died does not count."""
        leases = self.room("operations.leases")
        with self.context.ledger.read() as tx:
            held = [lease for lease in tx.leases.holders() if lease.name == leases.PLAN]
        alive = [lease for lease in held if lease.expires_at > self.context.clock.now()]
        return "".join(lease.owner for lease in alive if not leases.surely_dead(lease.owner))

    def due(self, before, after):
        return not self.told["held_by"]

    def changed(self, before, after):
        return self.moved or before != after

    def extras(self):
        if self.told["held_by"]:
            self.told["summary"] = [f"{self.told['held_by']} is planning; nothing was changed"]
        return self.told

    def simulate(self, before):
        if self.told["held_by"]:
            return []
        return self.tell(self.room("operations.planning").preview(self.context))

    def apply(self, before):
        leases = self.room("operations.leases")
        try:
            with leases.held(self.context, leases.PLAN, actor=self.actor) as lease:
                self.look()
                return self.decide(lease)
        except self.room("ledger.api").LeaseHeld as held:
            self.told["held_by"] = held.owner
            return []

    def look(self):
        refreshed = self.room("operations.revisions").refresh(self.context, actor=self.actor)
        observe = self.room("operations.listings").observe
        reports = [observe(self.context, name) for name in sorted(self.context.inventory().endpoints)]
        unswept = [told for report in reports if report.complete for told in self.sweep(report.endpoint)]
        aged = self.room("operations.aging").advance(self.context, actor=self.actor)
        unlisted = [f"{report.endpoint}: {report.error}" for report in reports if report.error]
        unwise = self.room("operations.endpoint_warnings").tell(self.context, actor=self.actor)
        broken = [refreshed.standing_error] if refreshed.standing_error else []
        self.told["problems"] = broken + unlisted + unswept + unwise
        self.moved = refreshed.changed or bool(aged.moved) or any(report.moved for report in reports)

    def sweep(self, endpoint):
        """Let an endpoint be swept when it is time to; return what went wrong."""
        try:
            self.room("operations.sweeping").sweep(self.context, endpoint, actor=self.actor)
        except self.room("clouds.api").CloudError as error:
            return [f"{endpoint}: {error}"]
        return []

    def decide(self, lease):
        planned = self.room("operations.planning").commit(self.context, actor=self.actor, lease=lease)
        self.told["launches"] = flat(planned.launches)
        self.told["retires"] = flat(planned.retires)
        self.moved = self.moved or planned.acted
        return self.tell(planned.plan)

    def tell(self, plan):
        rows = plan_rows(plan)
        self.told["summary"] = [f"problem: {one}" for one in self.told["problems"]] + summary(plan)
        self.told["placements"], self.told["pools"] = rows["placements"], rows["pools"]
        return plain(plan.decisions)


def flat(by_endpoint):
    """Return the batches of all endpoints."""
    return [batch for batches in by_endpoint.values() for batch in batches]


def machine_of(_params):
    """Return the only thing there is."""
    return Cycle


def main():
    run_change(machine_of, {})


if __name__ == "__main__":
    main()
