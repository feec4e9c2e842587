"""Reasons in words: one template per code, in one place, so that every page and command says the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from .reason import Param, Reason

TIMES = frozenset({"until", "since", "deadline"})
"""Parameters that are epoch seconds, shown as UTC."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        # a job against a VM (model/fit.py)
        "misfit.vo": "belongs to VO {wants}, the VM to {has}",
        "misfit.site": "wants site {wants}, this is {has}",
        "misfit.banned_site": "must not run at {has}",
        "misfit.platform": "wants platform {wants}, this is {has}",
        "misfit.tags": "needs tags that are not offered: {missing}",
        "misfit.cpu_time": "needs {wants} s of CPU time per core, the rest of the VM's life gives {has} s",
        "misfit.not_empty": "needs a whole node, this one is not empty",
        "misfit.cores": "needs {wants} cores, {has} are offered",
        "misfit.ram": "needs {wants} MB of memory, {has} MB are offered",
        "misfit.gpus": "needs {wants} GPUs, {has} are offered",
        "misfit.disk": "needs {wants} GB of disk, {has} GB are offered",
        # a queue that no pool can serve
        "unserved.no_pool_of_vo": "no pool belongs to VO {vo}",
        "unserved.no_pool": "none of the VO's {pools} pools can ever run these jobs; nearest: {nearest}",
        # demand as a whole
        "demand.incomplete": "the demand of {source} is incomplete, so nothing is started or retired",
        "demand.stale": "the demand of {source} is of {since}, too old to act upon",
        # what a VM does not start
        "hold.room": "starts nothing smaller: gathers room for queue {queue}, whose oldest job waited {seconds} s",
        # launching
        "launch.demand": "{jobs} waiting jobs of {queues} queues find no room on running or booting VMs",
        "hold.company": "held for cores to become free, or for others to share a VM; {seconds} s at most",
        "hold.left": "{jobs} jobs wait although no limit binds: they are looked at again in the next plan",
        "launch.minimum": "the pool keeps at least {min} VMs",
        "launch.static": "the pool always has {max} VMs",
        "launch.warm": "the pool keeps {min} empty VMs ahead of demand",
        "launch.by_hand": "{actor} asked for it",
        "launch.accepted": "the cloud of {endpoint} took it",
        "launch.refused": "the cloud of {endpoint} refused it ({error_class})",
        # rules of other systems, in a replay only (replay/rivals)
        "rival.launch": "the rule {rule} asks for it, with {jobs} jobs waiting",
        "rival.drain": "the rule {rule} asks for its end",
        # launch batches that end without an answer
        "batch.unsent": "nobody sent its request in time",
        "batch.unwanted": "all its VMs were stopped before it was sent",
        "batch.pool_gone": "its pool left the inventory before its request was sent",
        "batch.lost": "the answer to its request was lost, and no listing shows an instance for it",
        # where the waiting jobs of a queue are expected to run
        "placed.running": "VMs that run have room for its jobs",
        "placed.booting": "VMs that are booting will take its jobs",
        "placed.new": "new VMs are being asked for, for its jobs",
        # what people and VMs asked for
        "retire.by_hand": "{actor} asked for its end",
        "halt.by_hand": "{actor} halted it",
        "drain.by_hand": "{actor} drained it",
        "canary.tried": "{actor} started it to see whether the cloud gives VMs; it takes no jobs and is ended at once",
        "canary.over": "it has shown what it was started for",
        "vm.enrolled": "it enrolled as instance {instance}",
        "vm.running": "it is ready for jobs",
        "vm.resumed": "its heartbeat came back",
        "vm.drained": "it is drained and empty",
        "vm.closed": "it takes no more jobs, by its own rules or a drain file",
        "vm.taken": "it found in its cloud's metadata that it is taken back, and went",
        "vm.left": "it wished to go: {reason} {detail}",
        "vm.unfit": "it found itself unfit for jobs (HEPiX 500): {detail}",
        # limits that bind
        "limit.pool_vms": "pool {pool} is at its limit of {max} VMs",
        "limit.pool_cores": "pool {pool} is at its limit of {max} cores",
        "limit.vo_vms": "VO {vo} is at its limit of {max} VMs",
        "limit.vo_cores": "VO {vo} is at its limit of {max} cores",
        "limit.endpoint_vms": "endpoint {endpoint} is at its limit of {max} VMs",
        "limit.endpoint_cores": "endpoint {endpoint} is at its limit of {max} cores",
        "limit.group_vms": "group {group} of VO {vo} is at its limit of {max} VMs",
        "limit.group_cores": "group {group} of VO {vo} is at its limit of {max} cores",
        "limit.reserve": "the cloud of {endpoint} allows {max} cores, {reserve} of them are kept free for others",
        "limit.share": "VO {vo} has its share of {endpoint}, {percent} % of what there is, while other VOs wait",
        "limit.ramp": "endpoint {endpoint} is asked for at most {max} VMs at a time; more follow next time",
        "limit.more": "{count} more limits bind other pools",
        "quota.endpoint_vms": "the cloud of {endpoint} allows {max} VMs, {foreign_vms} of them are not ours",
        "quota.endpoint_cores": "the cloud of {endpoint} allows {max} cores, {foreign_cores} of them are not ours",
        "budget.backoff": "{scope} refused {failures} times in a row ({error}); nothing is asked for until {until}",
        "budget.slow_start": "{scope} refused lately: at most {allowance} VMs at once, {in_flight} are being asked for",
        "budget.spent": "VO {vo} has spent or committed {percent} % of its budget of {budget} until {until}",
        "budget.warn": "VO {vo} has spent {percent} % of its budget of {budget}, as it goes on {forecast} % by {until}",
        "budget.probe": "something failed at {endpoint}: what proved nothing since is tried with one VM in {every} s",
        # pools that launch nothing
        "pool.manual": "pool {pool} is started by people alone",
        "campaign.not_yet": "the campaign of pool {pool} has not begun; nothing is launched until {until}",
        "campaign.over": "the campaign of pool {pool} is over since {since}",
        "pool.not_needed": "the waiting jobs of VO {vo} need no new VM of this pool",
        "pool.no_demand": "no job of VO {vo} waits",
        # drains because a limit was lowered
        "over.pool": "pool {name} has more than its limit of {limits}",
        "over.vo": "VO {name} has more than its limit of {limits}",
        "over.endpoint": "endpoint {name} has more than its limit of {limits}",
        "over.reserve": "others use more of the cloud of {endpoint}: {reserve} cores are to be free for them",
        "over.budget": "VO {vo} has spent its budget of {budget} until {until}",
        # other drains (planner/retire)
        "retire.idle": "nothing ran on it for {seconds} s, and no waiting job needs it",
        "retire.no_cpu": "it did nothing for {seconds} s, and no waiting job needs it",
        "retire.no_match": "{matches} times and more it asked for jobs and got none, although some that fit it wait",
        "retire.end_of_life": "less than {seconds} s of its life in pool {pool} are left",
        "retire.cheaper": "pool {pool} runs the same for at least {percent} % less",
        "retire.outgrown": "few instances are left on {endpoint}, and jobs wait for a VM of {cores} cores in its place",
        "retire.drift_image": "it was made from image {has}, pool {pool} now wants {wants}",
        "retire.drift_profile": "it was made by profile {has}, pool {pool} now wants {wants}",
        "retire.image": "{actor} wants no VM of image {image} left at {until}",
        "retire.campaign": "the campaign of pool {pool} is over since {since}",
        # what holds drains back (planner/retire)
        "retire.unlisted": "endpoint {endpoint} was listed last at {since}, too long ago to retire VMs of it",
        "retire.silent": "more than half of the VMs of endpoint {endpoint} fell silent, so none of them is retired",
        "retire.vanished": "{jobs} waiting jobs vanished unrun; until {until} no VM is retired for want of jobs",
        "retire.needed": "VMs that might go stay: waiting jobs or the pool's minimum need them",
        "retire.gradual": "at most {percent} % of pool {pool} drain at once; more follow when they have ended",
        "retire.capped": "at most {max} VMs of endpoint {endpoint} drain within a minute; more follow",
        "retire.image_closed": "{actor} retires image {image} by {until}: nothing is launched from it",
        # what a listing showed (lifecycle/observe.py)
        "observed.ended": "the cloud says {state} {fault}",
        "observed.failed": "the cloud took it and could not build it ({error}): {fault}",
        "observed.leaving": "the cloud will take its instance away: {notice}",
        "observed.present": "the cloud lists its instance ({state})",
        "observed.absent": "{listings} complete listings lack its instance",
        "spot.notice": "the cloud takes back this VM of pool {pool} soon",
        # passed deadlines (lifecycle/overdue.py)
        "heartbeat.lost": "no heartbeat for {after} s",
        "deadline.create": "its request was not settled in time",
        "deadline.boot": "it did not enrol within the boot deadline of pool {pool}",
        "deadline.context": "it was not ready within the boot deadline of pool {pool}",
        "deadline.drain": "its drain took longer than pool {pool} allows",
        "deadline.stalled": "it stayed silent; its payloads are presumed lost",
        "stop.no_instance": "it never got an instance, so nothing is left to stop",
        "deadline.stop": "its instance is still there; asked the cloud again to end it",
        "life.over": "it reached the end of its life in pool {pool}",
        "failed.cleanup": "it failed; what is left of it is cleaned up",
        "alarm.busy": "its time as {state} was over at {deadline}, but {slots} payloads run on it; nobody ends them",
        # instances nobody explains (lifecycle/leaks.py)
        "leak.enrolled": "it enrolled, so it may run payloads",
        "leak.batch_young": "its batch may still get late instances until {until}",
        "leak.batch_unknown": "the ledger does not know its batch (restored from an older copy?); name it to delete it",
        "leak.ledger_blind": "the ledger explains only {known_percent} % of the listing, so it deletes nothing",
        "leak.ledger_young": "an instance is older than the ledger, so it deletes nothing",
        "leak.watched": "unexplained for {seconds} s in {listings} listings; two listings 300 s apart are needed",
        "leak.never_enrolled": "no VM explains it, it never enrolled, and {listings} listings showed it",
    }
)


class _Params(dict[str, str]):
    """Parameters by name; one that is not given shows as its name."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def words(reason: Reason) -> str:
    """Return a reason as a phrase for people; a code without words is shown with its parameters."""
    params = _Params({name: _shown(name, value) for name, value in reason.params})
    template = WORDS.get(reason.code)
    if template is None:
        return " ".join([reason.code, *(f"{name}={value}" for name, value in params.items())])
    return " ".join(template.format_map(params).split())


def _shown(name: str, value: Param) -> str:
    if name in TIMES and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value)
