"""Input that looks wrong: then nothing is retired that nobody asked for by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from vmdirac_py.model.plan import EndpointView, Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity, VmState

from .policy import Doubt
from .view import View

OLDEST_LISTING = 600.0
PERIODS_OF_LISTING = 10.0
"""A listing is old after so many periods, and after OLDEST_LISTING seconds at least."""
BEATS_MISSED = 3.0
BEATING = frozenset({VmState.RUNNING, VmState.DRAINING})

Doubts = Mapping[Doubt, Reason]


def doubts_of(view: View) -> Mapping[str, Doubts]:
    """Return what is doubtful, by endpoint."""
    silent = _silent(view)
    names = {one.vm.endpoint for one in view.alive}
    return {name: dict(_doubts(name, view, silent=name in silent)) for name in sorted(names)}


def _doubts(name: str, view: View, *, silent: bool) -> Iterator[tuple[Doubt, Reason]]:
    listed_at = _listed_at(name, view.snapshot)
    if view.at - listed_at > _oldest(name, view.snapshot):
        yield Doubt.LISTING, Reason.of("retire.unlisted", endpoint=name, since=int(listed_at))
    if silent:
        yield Doubt.SILENCE, Reason.of("retire.silent", endpoint=name)
    seen = view.memory.seen
    if view.at < seen.held_until:
        yield Doubt.DEMAND, Reason.of("retire.vanished", jobs=seen.vanished, until=int(seen.held_until))


def _listed_at(name: str, snapshot: Snapshot) -> float:
    views = {view.name: view for view in snapshot.endpoints}
    return views.get(name, EndpointView(name)).listed_at


def _oldest(name: str, snapshot: Snapshot) -> float:
    endpoint = snapshot.inventory.endpoints.get(name)
    return max(OLDEST_LISTING, PERIODS_OF_LISTING * endpoint.listing_seconds if endpoint else 0.0)


def _silent(view: View) -> set[str]:
    """Return the endpoints of which more than half of the VMs that ever beat have missed their last heartbeats."""
    heard, missing = Counter[str](), Counter[str]()
    for one in view.snapshot.fleet:
        if one.vm.state in BEATING and one.vm.last_seen:
            heard[one.vm.endpoint] += 1
            missing[one.vm.endpoint] += _is_silent(one, view)
    return {name for name, count in heard.items() if 2 * missing[name] > count}


def _is_silent(one: Capacity, view: View) -> bool:
    return view.at - one.vm.last_seen > BEATS_MISSED * view.pool(one).heartbeat_seconds
