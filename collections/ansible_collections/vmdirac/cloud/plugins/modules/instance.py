#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: instance
short_description: Start and end virtual machines, in batches
version_added: 0.1.0
description:
  - Sends batches to their clouds, all of them in one call, and returns what became of each.
  - A batch is sent at most once. Naming a batch again reports what is known of it and sends nothing.
  - The answer is written to the ledger by the module itself, so a playbook that is cancelled loses nothing.
  - It never waits for a machine to boot; look at M(vmdirac.cloud.vm_info) for that.
options:
  state:
    description:
      - V(present) launches, V(absent) terminates.
    type: str
    choices: [present, absent]
    default: present
  batches:
    description:
      - Batches that a plan or a person has written before, of the kind that O(state) asks for.
    type: list
    elements: str
  endpoint:
    description:
      - All batches of the kind that O(state) asks for that stand written for this endpoint, also those that are written
        while the module is at work. This is how the scheduler asks.
    type: str
  pool:
    description:
      - With O(count), launch machines of this pool by hand. Each run launches anew.
    type: str
  count:
    description:
      - How many machines to launch in O(pool).
    type: int
  vms:
    description:
      - With O(state=absent), terminate these machines by hand.
    type: list
    elements: str
  force:
    description:
      - With O(vms), also terminate machines with running payloads.
    type: bool
    default: false
  actor:
    description:
      - Who asks, as the ledger shall remember it. The unix user when not given.
    type: str
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
seealso:
  - module: vmdirac.cloud.instance_info
  - module: vmdirac.cloud.plan
author:
  - The vmdirac_py authors (@DIRACGrid)
"""

EXAMPLES = r"""
- name: Start three machines by hand
  vmdirac.cloud.instance:
    home: /var/lib/vmdirac
    pool: biomed_small
    count: 3

- name: Launch what a plan decided
  vmdirac.cloud.instance:
    batches: "{{ cycle.launches }}"

- name: End a machine, whatever runs on it
  vmdirac.cloud.instance:
    state: absent
    vms: [vm-3f9c2a81b04d]
    force: true
"""

RETURN = r"""
batches:
  description: What is true of each batch now.
  returned: success
  type: list
  elements: dict
  contains:
    batch:
      description: The batch's id; empty in check mode for a batch that would be written.
      type: str
    kind:
      description: V(launch) or V(retire).
      type: str
    state:
      description: V(Written), V(Claimed), V(Answered), V(Unknown) or V(Closed).
      type: str
    endpoint:
      description: The endpoint it is for.
      type: str
    pool:
      description: The pool it is for; empty when it retires machines of several.
      type: str
    wanted:
      description: How many machines it is about.
      type: int
    launched:
      description: How many the cloud took, or has ended.
      type: int
    refused:
      description: How many the cloud refused.
      type: int
    sent:
      description: Whether this very call went to the cloud.
      type: bool
    instances:
      description: The cloud's instance ids by machine, as far as known.
      type: dict
    error_class:
      description: Why the cloud refused, one of C(quota), C(no_capacity), C(auth), C(bad_request), C(throttled),
        C(unavailable), C(lost).
      type: str
    error_text:
      description: The same in the cloud's words.
      type: str
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Change, run_change
from ansible_collections.vmdirac.cloud.plugins.module_utils.rows import batch_row, plain

SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "batches": {"type": "list", "elements": "str"},
    "endpoint": {"type": "str"},
    "pool": {"type": "str"},
    "count": {"type": "int"},
    "vms": {"type": "list", "elements": "str"},
    "force": {"type": "bool", "default": False},
    "actor": {"type": "str"},
}

# how a batch stands when its cloud did all that was asked
ANSWERED = {"launch": "Answered", "retire": "Closed"}


class Batches(Change):
    """Whatever sends batches; a row is a batch."""

    results = "batches"

    def changed(self, before, after):
        return any(row["sent"] for row in after)

    def launch(self, batch):
        return plain(self.room("operations.launches").launch(self.context, batch, actor=self.actor))

    def retire(self, batch):
        return plain(self.room("operations.retirements").retire(self.context, batch, actor=self.actor))


class Written(Batches):
    """Batches that stand in the ledger."""

    kind = ""

    def find(self):
        with self.context.ledger.read() as tx:
            found = [(name, tx.batches.get(name)) for name in dict.fromkeys(self.params["batches"])]
        return [self.checked(name, batch) for name, batch in found]

    def checked(self, name, batch):
        if batch is None:
            raise self.unknown("batch", name)
        if batch.kind != self.kind:
            raise self.bad(f"this batch is to {batch.kind.value}, not to {self.kind}", name, "choose the other `state`")
        return batch_row(batch)

    def simulate(self, before):
        answer = {"state": ANSWERED[self.kind], "sent": True}
        return [{**row, **answer, "launched": row["wanted"]} if row["state"] == "Written" else row for row in before]


class LaunchWritten(Written):
    kind = "launch"

    def apply(self, before):
        return [self.launch(row["batch"]) for row in before]


class RetireWritten(Written):
    kind = "retire"

    def apply(self, before):
        return [self.retire(row["batch"]) for row in before]


class OfEndpoint(Batches):
    """Batches that stand written for an endpoint when the module gets to work."""

    kind = ""

    def find(self):
        if self.params["endpoint"] not in self.context.inventory().endpoints:
            raise self.unknown("endpoint", self.params["endpoint"])
        with self.context.ledger.read() as tx:
            return [batch_row(tx.batches.get(name)) for name in self.waiting()]

    def waiting(self):
        return self.room("operations.written").written(self.context, self.params["endpoint"], self.wanted_kind)

    def simulate(self, before):
        return [{**row, "state": ANSWERED[self.kind], "sent": True, "launched": row["wanted"]} for row in before]

    def apply(self, before):
        send = self.room("operations.written").send_written
        return [plain(row) for row in send(self.context, self.params["endpoint"], self.wanted_kind, actor=self.actor)]

    @property
    def wanted_kind(self):
        return self.room("model.batch").BatchKind(self.kind)


class LaunchOfEndpoint(OfEndpoint):
    kind = "launch"


class RetireOfEndpoint(OfEndpoint):
    kind = "retire"


class ByHand(Batches):
    """Batches that are written now."""

    def find(self):
        return []

    def expected(self, kind, endpoint, pool, count):
        about = {"batch": "", "kind": kind, "endpoint": endpoint, "pool": pool, "wanted": count, "instances": {}}
        answer = {"state": ANSWERED[kind], "sent": True, "launched": count, "refused": 0}
        return {**about, **answer, "error_class": None, "error_text": ""}


class LaunchByHand(ByHand):
    def simulate(self, before):
        pool, _endpoint = self.room("operations.launches").check(
            self.context, self.params["pool"], self.params["count"]
        )
        return [self.expected("launch", pool.endpoint, pool.name, self.params["count"])]

    def apply(self, before):
        intend = self.room("operations.launches").intend
        batch = intend(self.context, self.params["pool"], self.params["count"], actor=self.actor)
        return [self.launch(batch)]


class RetireByHand(ByHand):
    """Machines that are Halted, or whose end is under way, need nothing."""

    def doomed(self):
        with self.context.ledger.read() as tx:
            found = {vm.id: vm for vm in tx.vms.get_many(self.params["vms"])}
            under_way = self.room("operations.retirements").under_way
            settled = {vm.id for vm in found.values() if vm.state == "Halted" or under_way(tx, vm)}
        for name in self.params["vms"]:
            if name not in found:
                raise self.unknown("VM", name)
        return [vm for vm in found.values() if vm.id not in settled]

    def simulate(self, before):
        names = [vm.id for vm in self.doomed()]
        check = self.room("operations.retirements").check
        endpoints = [vm.endpoint for vm in check(self.context, names, force=self.params["force"])] if names else []
        return [self.expected("retire", name, "", endpoints.count(name)) for name in sorted(set(endpoints))]

    def apply(self, before):
        intend = self.room("operations.retirements").intend
        names = [vm.id for vm in self.doomed()]
        written = intend(self.context, names, actor=self.actor, force=self.params["force"])
        return [self.retire(batch) for batch in written]


def machine_of(params):
    """Return what these parameters ask for."""
    if params["endpoint"]:
        return LaunchOfEndpoint if params["state"] == "present" else RetireOfEndpoint
    if params["state"] == "present":
        return LaunchByHand if params["pool"] else LaunchWritten
    return RetireByHand if params["vms"] else RetireWritten


def main():
    run_change(
        machine_of,
        SPEC,
        mutually_exclusive=[("batches", "endpoint", "pool", "vms")],
        required_together=[("pool", "count")],
        required_if=[
            ("state", "present", ("batches", "endpoint", "pool"), True),
            ("state", "absent", ("batches", "endpoint", "vms"), True),
        ],
    )


if __name__ == "__main__":
    main()
