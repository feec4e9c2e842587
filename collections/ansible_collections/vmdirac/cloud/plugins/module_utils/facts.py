# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows that more than one module shows: VMs, jobs, plans."""

from __future__ import annotations

from ansible_collections.vmdirac.cloud.plugins.module_utils.rows import plain

JOB_FIELDS = (
    "id",
    "state",
    "minor",
    "attempt",
    "vm",
    "cores",
    "exit_code",
    "output",
    "submitted_at",
    "matched_at",
    "started_at",
    "ended_at",
)
SPEC_FIELDS = ("name", "vo", "owner", "group")


def job_row(job):
    """Return a job without its JDL and payload."""
    about = {name: plain(getattr(job.spec, name)) for name in SPEC_FIELDS}
    return {**{name: plain(getattr(job, name)) for name in JOB_FIELDS}, **about}


def job_rows(context, **wanted):
    """Return the rows of the jobs a query finds."""
    with context.ledger.read() as tx:
        return [job_row(job) for job in tx.jobs.find(**wanted)]


def vm_rows(context, ids):
    """Return the rows of the VMs of these ids, in their order; unknown ones are left out."""
    with context.ledger.read() as tx:
        found = {vm.id: vm for vm in tx.vms.get_many(ids)}
    return [plain(found[name]) for name in ids if name in found]


def plan_rows(plan):
    """Return a plan by name: decisions, placements, and what binds the pools."""
    return {
        "decisions": plain(plan.decisions),
        "placements": plain(plan.placements),
        "pools": plain(plan.pools),
    }


def summary(plan):
    """Return a plan as lines for people."""
    acts = [f"{one.action.value} {one.count} in {one.pool}: {plain(one.reason)['words']}" for one in plan.decisions]
    waits = [
        f"{one.unplaced} jobs of {one.vo} in queue {one.queue} stay: {reason['words']}"
        for one in plan.placements
        if one.unplaced
        for reason in plain(one.reasons)
    ]
    return (acts or ["nothing to start or drain"]) + waits
