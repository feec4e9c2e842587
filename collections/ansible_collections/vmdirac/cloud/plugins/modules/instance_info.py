#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_info
short_description: What the clouds run for us, beside our records
version_added: 0.1.0
description:
  - Asks each endpoint for one complete listing and sets it beside the ledger.
  - Nothing is written, so what was seen here does not count as a sighting.
options:
  endpoints:
    description:
      - Only these endpoints; all when not given.
    type: list
    elements: str
  batches:
    description:
      - Only machines and instances of these batches.
    type: list
    elements: str
  vms:
    description:
      - Only these machines.
    type: list
    elements: str
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
seealso:
  - module: vmdirac.cloud.instance
author:
  - The vmdirac_py authors (@DIRACGrid)
"""

EXAMPLES = r"""
- name: Compare clouds and ledger
  vmdirac.cloud.instance_info:
  register: clouds

- name: Show instances nobody knows
  ansible.builtin.debug:
    msg: "{{ clouds.instances | selectattr('vm', 'equalto', '') }}"
"""

RETURN = r"""
instances:
  description: Machines that are not halted, and instances bearing our mark, joined where they are the same.
  returned: success
  type: list
  elements: dict
  contains:
    vm:
      description: Our id; empty when no record explains the instance.
      type: str
    vm_state:
      description: Our record's state; empty without a record.
      type: str
    instance:
      description: The cloud's id; empty when not bound yet.
      type: str
    batch:
      description: The launch batch.
      type: str
    endpoint:
      description: The endpoint.
      type: str
    pool:
      description: The pool.
      type: str
    listed:
      description: Whether the cloud lists it.
      type: bool
    state:
      description: The cloud's own word; empty when not listed.
      type: str
    address:
      description: Its address, as far as known.
      type: str
    fault:
      description: What the cloud says is wrong with it.
      type: str
endpoints:
  description: How each endpoint answered.
  returned: success
  type: list
  elements: dict
  contains:
    endpoint:
      description: Its name.
      type: str
    error:
      description: Why there is no listing; empty when there is one.
      type: str
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Info, run_info

SPEC = {
    "endpoints": {"type": "list", "elements": "str"},
    "batches": {"type": "list", "elements": "str"},
    "vms": {"type": "list", "elements": "str"},
}


class Instances(Info):
    """One listing of each endpoint, joined with the ledger's live VMs."""

    def read(self):
        names = self.params["endpoints"] or sorted(self.context.inventory().endpoints)
        answers = [self.listing(name) for name in names]
        rows = [row for name, listed, error in answers for row in self.joined(name, listed)]
        told = [{"endpoint": name, "error": error} for name, listed, error in answers]
        return {"instances": [row for row in rows if self.asked(row)], "endpoints": told}

    def listing(self, name):
        endpoint = self.context.endpoint(name)
        try:
            return name, {instance.id: instance for instance in endpoint.instances()}, ""
        except self.room("base.errors").VmdiracError as error:
            return name, {}, str(error)

    def joined(self, endpoint, listed):
        states = [state for state in self.room("model.vm").VmState if state.value != "Halted"]
        with self.context.ledger.read() as tx:
            vms = tx.vms.in_states(states, endpoint=endpoint)
        known = [known_row(vm, listed.get(vm.instance_id)) for vm in vms]
        bound = {vm.instance_id for vm in vms}
        strangers = [stranger_row(endpoint, listed[name]) for name in sorted(set(listed) - bound)]
        return known + strangers

    def asked(self, row):
        batches, vms = self.params["batches"], self.params["vms"]
        return (not batches or row["batch"] in batches) and (not vms or row["vm"] in vms)


def known_row(vm, instance):
    """Return a record with what the cloud says of it."""
    row = {
        "vm": vm.id,
        "vm_state": vm.state.value,
        "instance": vm.instance_id,
        "batch": vm.batch,
        "endpoint": vm.endpoint,
        "pool": vm.pool,
        "address": vm.address,
    }
    return {**row, **cloud_view(instance)}


def stranger_row(endpoint, instance):
    """Return an instance that no record explains."""
    row = {
        "vm": "",
        "vm_state": "",
        "instance": instance.id,
        "batch": instance.mark.batch,
        "endpoint": endpoint,
        "pool": instance.mark.pool,
        "address": instance.address,
    }
    return {**row, **cloud_view(instance)}


def cloud_view(instance):
    """Return what the cloud says."""
    if instance is None:
        return {"listed": False, "state": "", "fault": ""}
    return {"listed": True, "state": instance.state, "fault": instance.fault}


def main():
    run_info(Instances, SPEC)


if __name__ == "__main__":
    main()
