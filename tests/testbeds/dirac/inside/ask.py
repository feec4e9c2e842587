"""Asks the services as whoever holds the proxy, run in DIRAC's environment; the answer is JSON on standard output.

Usage: ask.py submit|jobs|pilots|queues|match < QUESTION.json
"""

import json
import os
import sys
from typing import Any

# DIRAC logs to standard output; the answer must stand there alone
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import DIRAC  # noqa: E402

DIRAC.initialize()

from DIRAC.WorkloadManagementSystem.Client.JobMonitoringClient import JobMonitoringClient  # noqa: E402
from DIRAC.WorkloadManagementSystem.Client.MatcherClient import MatcherClient  # noqa: E402
from DIRAC.WorkloadManagementSystem.Client.PilotManagerClient import PilotManagerClient  # noqa: E402
from DIRAC.WorkloadManagementSystem.Client.WMSClient import WMSClient  # noqa: E402


def right(given: dict[str, Any]) -> Any:
    """Return the value of a DIRAC answer, or end with its message."""
    if not given["OK"]:
        sys.exit(f"ask: {given['Message']}")
    return given["Value"]


def submit(jdls: list[str]) -> list[int]:
    """Submit jobs; return their ids."""
    client = WMSClient()
    return [right(client.submitJob(jdl)) for jdl in jdls]


def jobs(ids: list[int]) -> dict[str, Any]:
    """Return what is known of jobs."""
    states = right(JobMonitoringClient().getJobsStates(ids))
    sites = right(JobMonitoringClient().getJobsSites(ids))
    return {
        str(job): {
            "status": state["Status"],
            "minor": state["MinorStatus"],
            "application": state["ApplicationStatus"],
            "site": sites[job]["Site"],
        }
        for job, state in states.items()
    }


def pilots(references: list[str]) -> dict[str, Any]:
    """Return what is known of pilots; those nobody registered are left out."""
    client = PilotManagerClient()
    known = {}
    for reference in references:
        found = client.getPilotInfo(reference)
        if found["OK"]:
            known[reference] = _pilot(found["Value"][reference])
    return known


def _pilot(row: dict[str, Any]) -> dict[str, str]:
    return {
        "stamp": row["PilotStamp"],
        "status": row["Status"],
        "vo": row["VO"],
        "queue": row["Queue"],
        "site": row["GridSite"],
    }


def queues(_: object) -> Any:
    """Return the task queues that have jobs."""
    return right(MatcherClient().getActiveTaskQueues())


def match(resource: dict[str, Any]) -> Any:
    """Return what the Matcher has for a resource."""
    return right(MatcherClient().getMatchingTaskQueues(resource))


VERBS = {"submit": submit, "jobs": jobs, "pilots": pilots, "queues": queues, "match": match}
answer.write(json.dumps(VERBS[sys.argv[1]](json.load(sys.stdin)), default=str))
answer.close()
