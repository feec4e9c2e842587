#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_info
short_description: Show what would be decided now, and why
version_added: 0.1.0
description:
  - Takes the planning step on what the ledger knows at this moment and writes nothing.
  - No cloud is asked; the last listings count.
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
- name: Ask before acting
  vmdirac.cloud.plan_info:
  register: preview

- name: Read it
  ansible.builtin.debug:
    var: preview.summary
"""

RETURN = r"""
decisions:
  description: What to start and to drain, in order, each with its reason.
  returned: success
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
  returned: success
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
  returned: success
  type: list
  elements: dict
  sample:
    - pool: biomed_small
      reasons: []
summary:
  description: The same in lines for people.
  returned: success
  type: list
  elements: str
  sample: ["launch 3 in biomed_small: 3 jobs wait"]
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.facts import plan_rows, summary
from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Info, run_info


class Preview(Info):
    """The plan that would be made."""

    def read(self):
        plan = self.room("operations.planning").preview(self.context)
        return {**plan_rows(plan), "summary": summary(plan)}


def main():
    run_info(Preview)


if __name__ == "__main__":
    main()
