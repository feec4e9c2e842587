#!/usr/bin/python
# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: job
short_description: Submit, kill and reschedule jobs of the embedded queue
version_added: 0.1.0
description:
  - Submits a JDL, or kills or reschedules jobs that are there.
  - V(present) submits anew on each run; V(killed) and V(rescheduled) change only what is not so already.
options:
  state:
    description:
      - V(present) submits, V(killed) ends jobs, V(rescheduled) lets jobs that failed or were killed run again.
    type: str
    choices: [present, killed, rescheduled]
    default: present
  jdl:
    description:
      - The JDL itself.
    type: str
  path:
    description:
      - A file that holds the JDL, on the host that runs the module.
    type: path
  folder:
    description:
      - Where the files of the input sandbox are looked for. The folder of O(path) when not given.
    type: path
  count:
    description:
      - How many copies to submit.
    type: int
    default: 1
  vo:
    description:
      - The VO; wins over the JDL's.
    type: str
    default: ""
  group:
    description:
      - The DIRAC group; wins over the JDL's.
    type: str
    default: ""
  owner:
    description:
      - The owner; wins over the JDL's. The unix user when neither says.
    type: str
    default: ""
  ids:
    description:
      - The jobs to kill or to reschedule.
    type: list
    elements: int
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
- name: Submit ten copies
  vmdirac.cloud.job:
    path: /home/ada/simulation.jdl
    group: biomed_user
    count: 10

- name: Kill a job
  vmdirac.cloud.job:
    state: killed
    ids: [17]
"""

RETURN = r"""
jobs:
  description: The jobs, as they are now; in check mode those to be submitted have no id.
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

from pathlib import Path

from ansible_collections.vmdirac.cloud.plugins.module_utils.facts import job_row, job_rows
from ansible_collections.vmdirac.cloud.plugins.module_utils.machine import Change, run_change

SPEC = {
    "state": {"type": "str", "choices": ["present", "killed", "rescheduled"], "default": "present"},
    "jdl": {"type": "str"},
    "path": {"type": "path"},
    "folder": {"type": "path"},
    "count": {"type": "int", "default": 1},
    "vo": {"type": "str", "default": ""},
    "group": {"type": "str", "default": ""},
    "owner": {"type": "str", "default": ""},
    "ids": {"type": "list", "elements": "int"},
}
FINAL = ("Done", "Failed", "Killed")
AGAIN = ("Failed", "Killed")


class Submit(Change):
    """A JDL that becomes jobs."""

    results = "jobs"

    def find(self):
        return []

    def text(self):
        if self.params["jdl"]:
            return self.params["jdl"], "jdl"
        try:
            return Path(self.params["path"]).read_text(encoding="utf-8"), self.params["path"]
        except (OSError, UnicodeDecodeError) as error:
            raise self.bad(f"cannot read the JDL: {error}", self.params["path"]) from error

    def folder(self):
        if self.params["folder"]:
            return Path(self.params["folder"])
        return Path(self.params["path"]).parent if self.params["path"] else None

    def given(self):
        return {name: self.params[name] for name in ("owner", "group", "vo")}

    def simulate(self, before):
        text, where = self.text()
        jobs = self.room("operations.jobs")
        by = jobs.Submitter(self.actor, **self.given())
        specs = jobs.check(self.context, [jobs.Source(text, self.folder(), where)], by, count=self.params["count"])
        return [{"id": None, "state": "Waiting", "name": spec.name, "owner": spec.owner} for spec in specs]

    def apply(self, before):
        text, where = self.text()
        submit = self.room("operations.jobs").submit
        options = {**self.given(), "count": self.params["count"], "actor": self.actor}
        return [job_row(job) for job in submit(self.context, text, folder=self.folder(), where=where, **options)]


class Known(Change):
    """Jobs that are there."""

    results = "jobs"
    verb = ""

    def find(self):
        rows = job_rows(self.context, ids=tuple(self.params["ids"]))
        for missing in sorted(set(self.params["ids"]) - {row["id"] for row in rows}):
            raise self.unknown("job", str(missing))
        return rows

    def concerned(self, row):
        raise NotImplementedError

    def becomes(self, row):
        raise NotImplementedError

    def simulate(self, before):
        return [{**row, **self.becomes(row)} if self.concerned(row) else row for row in before]

    def apply(self, before):
        ids = [row["id"] for row in before if self.concerned(row)]
        getattr(self.room("operations.jobs"), self.verb)(self.context, ids, actor=self.actor)
        return self.find()


class Kill(Known):
    verb = "kill"

    def concerned(self, row):
        return row["state"] not in FINAL

    def becomes(self, row):
        return {"state": "Killed"}


class Reschedule(Known):
    verb = "reschedule"

    def concerned(self, row):
        return row["state"] in AGAIN

    def becomes(self, row):
        return {"state": "Waiting", "attempt": row["attempt"] + 1, "vm": ""}


MACHINES = {"present": Submit, "killed": Kill, "rescheduled": Reschedule}


def main():
    run_change(
        lambda params: MACHINES[params["state"]],
        SPEC,
        mutually_exclusive=[("jdl", "path")],
        required_if=[
            ("state", "present", ("jdl", "path"), True),
            ("state", "killed", ("ids",)),
            ("state", "rescheduled", ("ids",)),
        ],
    )


if __name__ == "__main__":
    main()
