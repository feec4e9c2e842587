#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: task_queue_info
short_description: Show the work that waits, by shape
version_added: 0.1.0
description:
  - Returns the task queues that the pools of the active inventory might serve.
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
- name: See what waits
  vmdirac.cloud.task_queue_info:
    home: /var/lib/vmdirac
"""

RETURN = r"""
task_queues:
  description: Equal jobs waiting together.
  returned: success
  type: list
  elements: dict
  sample:
    - id: "5d41402abc4b"
      vo: biomed
      owner: ada
      group: biomed_user
      priority: 1.0
      waiting: 12
      oldest: 1800000000.0
      shape:
        {min_cores: 1, max_cores: 1, whole_node: false, ram_mb: 0, gpus: 0, cpu_seconds: 86400,
         tags: [], sites: [], banned_sites: [], platforms: []}
source:
  description: Where the queues were read.
  returned: success
  type: str
  sample: embedded
complete:
  description: Whether this is all of the demand; incomplete demand neither starts nor ends machines.
  returned: success
  type: bool
at:
  description: When the queues were read, in seconds since the epoch.
  returned: success
  type: float
"""

from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Info, run_info
from ansible_collections.vmdirac.cloud.plugins.module_utils.rows import plain


class TaskQueues(Info):
    """The demand, as the planner sees it."""

    def read(self):
        pools = tuple(self.context.inventory().pools.values())
        demand = self.context.queue.demand(pools, at=self.context.clock.now())
        queues = plain(demand.queues)
        return {"task_queues": queues, "source": demand.source, "complete": demand.complete, "at": demand.at}


def main():
    run_info(TaskQueues)


if __name__ == "__main__":
    main()
