#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_info
short_description: Show our records of virtual machines
version_added: 0.1.0
description:
  - Returns records from the ledger; no cloud is asked.
options:
  ids:
    description:
      - Only these machines, whatever their state.
    type: list
    elements: str
  states:
    description:
      - Only machines in these states; all that are not V(Halted) when not given.
    type: list
    elements: str
    choices: [New, Submitted, Contextualising, Running, Draining, Stopping, Halted, Stalled, Failed]
  endpoint:
    description:
      - Only machines of this endpoint.
    type: str
    default: ""
  pool:
    description:
      - Only machines of this pool.
    type: str
    default: ""
  vo:
    description:
      - Only machines of this VO.
    type: str
    default: ""
extends_documentation_fragment:
  - vmdirac.cloud.home
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: posix
author:
  - The vmdirac_py authors (@DIRACGrid)
"""

EXAMPLES = r"""
- name: See what runs for biomed
  vmdirac.cloud.vm_info:
    vo: biomed
    states: [Running]
"""

RETURN = r"""
vms:
  description: The machines found, oldest first, each with its last heartbeat or none.
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
      heartbeat:
        at: 1800000100.0
        free_cores: 0
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Info, run_info
from ansible_collections.vmdirac.cloud.plugins.module_utils.rows import plain

STATES = ["New", "Submitted", "Contextualising", "Running", "Draining", "Stopping", "Halted", "Stalled", "Failed"]
SPEC = {
    "ids": {"type": "list", "elements": "str"},
    "states": {"type": "list", "elements": "str", "choices": STATES},
    "endpoint": {"type": "str", "default": ""},
    "pool": {"type": "str", "default": ""},
    "vo": {"type": "str", "default": ""},
}


class Vms(Info):
    """A query."""

    def read(self):
        with self.context.ledger.read() as tx:
            vms = [vm for vm in self.found(tx) if self.asked(vm)]
            beats = tx.observations.heartbeats([vm.id for vm in vms]) if vms else {}
        return {"vms": [{**plain(vm), "heartbeat": beat_row(beats.get(vm.id))} for vm in vms]}

    def found(self, tx):
        if self.params["ids"]:
            return tx.vms.get_many(self.params["ids"])
        states = self.params["states"] or [state for state in STATES if state != "Halted"]
        return tx.vms.in_states(tuple(map(self.room("model.vm").VmState, states)))

    def asked(self, vm):
        return all(self.params[name] in ("", getattr(vm, name)) for name in ("endpoint", "pool", "vo"))


def beat_row(beat):
    """Return a heartbeat as the worker sent it, with the time it came."""
    return None if beat is None else {**plain(beat.data), "at": beat.at}


def main():
    run_info(Vms, SPEC, mutually_exclusive=[("ids", "states")])


if __name__ == "__main__":
    main()
