"""What the jobs of one DIRAC group may claim: cores they run on, and VMs they run on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from vmdirac_py.model.inventory import Vo
from vmdirac_py.model.reason import Reason

from .limit import Limit
from .world import World

Group = tuple[str, str]
"""VO and DIRAC group."""


def of_groups(world: World) -> Mapping[Group, tuple[Limit, ...]]:
    """Return the limits of each group that has one, less what its running jobs claim."""
    limited = {vo.name: vo for vo in world.inventory.vos.values() if vo.group_max_cores or vo.group_max_vms}
    cores, vms = _claimed(world, limited)
    limits: defaultdict[Group, list[Limit]] = defaultdict(list)
    for name, vo in limited.items():
        for group, most in vo.group_max_cores.items():
            reason = Reason.of("limit.group_cores", vo=name, group=group, max=most)
            limits[name, group].append(Limit(most - cores[name, group], by_core=True, reason=reason))
        for group, most in vo.group_max_vms.items():
            reason = Reason.of("limit.group_vms", vo=name, group=group, max=most)
            limits[name, group].append(Limit(most - vms[name, group], by_core=False, reason=reason))
    return {group: tuple(found) for group, found in limits.items()}


def _claimed(world: World, limited: Mapping[str, Vo]) -> tuple[Counter[Group], Counter[Group]]:
    cores: Counter[Group] = Counter()
    vms: Counter[Group] = Counter()
    for capacity in world.snapshot.fleet:
        vo = capacity.vm.vo
        if vo in limited:
            for run in capacity.runs:
                cores[vo, run.group] += run.cores
            vms.update({(vo, run.group) for run in capacity.runs})
    return cores, vms
