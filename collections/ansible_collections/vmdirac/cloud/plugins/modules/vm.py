#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: vm
short_description: Drain and halt virtual machines
version_added: 0.1.0
description:
  - Tells machines what to do; that it happens is for them, the scheduler and the clouds to say.
  - A machine that is past what is asked for is left alone.
options:
  state:
    description:
      - V(draining) lets what runs finish and takes no more; machines that still boot are stopped.
      - V(halted) stops now, whatever runs; the jobs are run again elsewhere.
    type: str
    choices: [draining, halted]
    required: true
  ids:
    description:
      - The machines.
    type: list
    elements: str
    required: true
  seconds:
    description:
      - How long a drain may take; what the pool says when not given.
    type: float
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
- name: Let a machine run dry within an hour
  vmdirac.cloud.vm:
    state: draining
    ids: [vm-3f9c2a81b04d]
    seconds: 3600
"""

RETURN = r"""
vms:
  description: The machines, as they are now.
  returned: success
  type: list
  elements: dict
  sample:
    - id: vm-3f9c2a81b04d
      state: Running
      state_since: 1800000000.0
      deadline: 1801209600.0
      created_at: 1799999970.0
      endpoint: local
      pool: biomed_small
      vo: biomed
      batch: b-77aa01cc90de
      instance_id: i-0001
      address: 127.77.0.1
      resources: {cores: 1, ram_mb: 2000, gpus: 0, disk_gb: 10}
      last_seen: 1800000100.0
      missed_listings: 0
      retire_batch: ""
      reason: null
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.facts import vm_rows
from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Change, run_change

SPEC = {
    "state": {"type": "str", "choices": ["draining", "halted"], "required": True},
    "ids": {"type": "list", "elements": "str", "required": True},
    "seconds": {"type": "float"},
}


class Known(Change):
    """VMs that are there."""

    results = "vms"

    def find(self):
        rows = vm_rows(self.context, self.params["ids"])
        for missing in sorted(set(self.params["ids"]) - {row["id"] for row in rows}):
            raise self.unknown("VM", missing)
        return rows

    def becomes(self, state):
        """Return the state a VM in `state` will have."""
        raise NotImplementedError

    def tell(self, fleet, ids):
        """Give the order."""
        raise NotImplementedError

    def simulate(self, before):
        return [{**row, "state": self.becomes(row["state"])} for row in before]

    def apply(self, before):
        concerned = [row["id"] for row in before if self.becomes(row["state"]) != row["state"]]
        self.tell(self.room("operations.fleet"), concerned)
        return self.find()


class Drain(Known):
    def becomes(self, state):
        fleet = self.room("operations.fleet")
        if state in self.room("lifecycle.states").BOOTING:
            return "Stopping"
        return "Draining" if state in fleet.DRAINABLE else state

    def tell(self, fleet, ids):
        fleet.drain(self.context, ids, actor=self.actor, seconds=self.params["seconds"])


class Halt(Known):
    def becomes(self, state):
        return state if state == "Halted" else "Stopping"

    def tell(self, fleet, ids):
        fleet.halt(self.context, ids, actor=self.actor)


MACHINES = {"draining": Drain, "halted": Halt}


def main():
    run_change(lambda params: MACHINES[params["state"]], SPEC)


if __name__ == "__main__":
    main()
