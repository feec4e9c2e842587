#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: job_info
short_description: Show jobs of the embedded queue
version_added: 0.1.0
description:
  - Returns jobs, without their JDL and payload.
options:
  ids:
    description:
      - Only these jobs.
    type: list
    elements: int
  states:
    description:
      - Only jobs in these states.
    type: list
    elements: str
    choices: [Waiting, Matched, Running, Done, Failed, Killed]
  vo:
    description:
      - Only jobs of this VO.
    type: str
    default: ""
  limit:
    description:
      - At most so many.
    type: int
    default: 10000
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
- name: See what failed
  vmdirac.cloud.job_info:
    states: [Failed]
  register: failed
"""

RETURN = r"""
jobs:
  description: The jobs found, in the order of their ids.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 17
      state: Running
      name: simulation
      vo: biomed
      owner: ada
      group: biomed_user
      vm: vm-3f9c2a81b04d
      cores: 1
      attempt: 1
      minor: ""
      exit_code: null
      output: ""
      submitted_at: 1800000000.0
      matched_at: 1800000030.0
      started_at: 1800000031.0
      ended_at: 0.0
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.facts import job_rows
from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Info, run_info

STATES = ["Waiting", "Matched", "Running", "Done", "Failed", "Killed"]
SPEC = {
    "ids": {"type": "list", "elements": "int"},
    "states": {"type": "list", "elements": "str", "choices": STATES},
    "vo": {"type": "str", "default": ""},
    "limit": {"type": "int", "default": 10000},
}


class Jobs(Info):
    """A query."""

    def read(self):
        states = tuple(map(self.room("model.job").JobState, self.params["states"] or ()))
        ids = self.params["ids"] or None
        return {
            "jobs": job_rows(self.context, states=states, vo=self.params["vo"], ids=ids, limit=self.params["limit"])
        }


def main():
    run_info(Jobs, SPEC)


if __name__ == "__main__":
    main()
