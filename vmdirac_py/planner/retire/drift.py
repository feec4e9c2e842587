"""VMs that are not what their pool says any more: another image, another profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from vmdirac_py.lifecycle.budget import UNLIMITED
from vmdirac_py.model.inventory import DRAIN_DRIFTED, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm

from .policy import EVERY_DOUBT, TENTH, Candidate, Proof, Terms
from .view import View


class Drift:
    """It was made from another image or profile than its pool names now, and `pool_drift` says `drain`.

    Not while launches of the pool fail: the new image may be the cause.
    """

    terms: ClassVar[Terms] = Terms(Proof.REPLACED, EVERY_DOUBT, busy=True, share=TENTH)

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield VMs that differ from their pool."""
        pools = {name: pool for name, pool in view.pools.items() if _follows(pool, view)}
        for one in view.alive if pools else ():
            pool = pools.get(one.vm.pool)
            reason = _difference(one.vm, pool) if pool else None
            if reason:
                yield one, reason


def _follows(pool: Pool, view: View) -> bool:
    return pool.drift == DRAIN_DRIFTED and view.memory.pool(pool) == UNLIMITED


def _difference(vm: Vm, pool: Pool) -> Reason | None:
    """Return how a VM differs; one of before images were recorded is let be."""
    if vm.image and vm.image != pool.image:
        return Reason.of("retire.drift_image", pool=pool.name, has=vm.image, wants=pool.image)
    if vm.image and vm.profile != pool.profile:
        return Reason.of("retire.drift_profile", pool=pool.name, has=vm.profile or "none", wants=pool.profile or "none")
    return None
