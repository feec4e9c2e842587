"""Figures of the OpenStack driver on the real Nova: `python -m tests.bench.nova lateness|cost [N ...]`.

`lateness`: a multi-create whose client gives up while it is in flight (a short timeout, or killed): how long after that
do its instances still turn up in the listing? It is the reason for `endpoint_listing_lag`.
`cost`: calls, seconds and CPU of our process for N VMs: launch, listing, terminate.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.conformance.endpoints.openstack import OpenStackLab, lab
from tests.support.wait import until
from vmdirac_py.base.ids import new_id
from vmdirac_py.clouds.api import CloudError, LaunchRequest, Mark
from vmdirac_py.clouds.openstack.launching import body_of
from vmdirac_py.clouds.openstack.options import PoolOptions
from vmdirac_py.clouds.openstack.placing import place_of

T = TypeVar("T")
ROOM = 210
LOOK_S = 0.1
QUIET_S = 40.0
"""Watched so long after the last instance turned up."""
SENT_S = 0.15
"""How long a client waits before it gives up, or is killed: the request has been sent by then."""


def main() -> None:
    """Measure what was asked for and print a line each."""
    what, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as made:
        made.limit(ROOM)
        for number in map(int, numbers or ("10", "100")):
            {"lateness": lateness, "cost": cost}[what](made, number)


def lateness(made: OpenStackLab, number: int) -> None:
    """Print how late instances turn up after their client gave up, by a timeout and by being killed."""
    for name, give_up in (("timeout", by_timeout), ("killed", by_kill)):
        gave_up = give_up(made, request(made, number))
        told = ", ".join(f"{count} after {late:.1f} s" for late, count in arrivals(made, gave_up))
        say(f"{name}, N={number}: {told or 'none'}")
        made.clear()


def by_timeout(made: OpenStackLab, asked: LaunchRequest) -> float:
    """Launch with a timeout too short for the answer, no proxy between; return when it was over."""
    client = made.endpoint("inst-ours", timeout=60.0, endpoints={})._client
    options = PoolOptions(**made.pool.options)
    body = body_of(asked, options, place_of(client, made.pool, options))
    client.timeout = SENT_S
    try:
        client.post("compute", "/servers", body)
    except CloudError as error:
        say(f"  {type(error).__name__}: {error.what}")
    return time.monotonic()


def by_kill(made: OpenStackLab, asked: LaunchRequest) -> float:
    """Launch in a process of its own that is killed when the request is on its way; return when."""
    before = len(made.nova.calls)
    child = os.fork()
    if child == 0:
        made.endpoint("inst-ours").launch(asked)
        os._exit(0)
    while not any(call.method == "POST" and call.path.endswith("/servers") for call in made.nova.calls[before:]):
        time.sleep(0.005)
    time.sleep(SENT_S)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return time.monotonic()


def arrivals(made: OpenStackLab, since: float) -> list[tuple[float, int]]:
    """Return when (seconds after `since`) the number of listed instances rose, and to what."""
    seen: list[tuple[float, int]] = []
    ours, last = made.endpoint("inst-ours"), time.monotonic()
    while time.monotonic() - last < QUIET_S:
        count, at = len(ours.instances()), time.monotonic()
        if count != (seen[-1][1] if seen else 0):
            seen.append((at - since, count))
            last = at
        time.sleep(LOOK_S)
    return seen


def cost(made: OpenStackLab, number: int) -> None:
    """Print what N VMs cost: calls of all services, seconds, CPU seconds of this process (no proxy between)."""
    ours, answers = made.endpoint("inst-ours", endpoints={}, timeout=300.0), []
    ours._client._session.session.hooks["response"].append(lambda answer, **_: answers.append(answer.url))
    measured(answers, "log in, limits", ours.limits)
    result = measured(answers, f"launch {number}", lambda: ours.launch(request(made, number)))
    ids = [each.id for each in result.launched]
    measured(answers, f"list {len(ids)}", ours.instances)
    until(lambda: all(each.state != "BUILD" for each in ours.instances()), seconds=900, step=2)
    measured(answers, f"list {len(ids)} active", ours.instances)
    measured(answers, f"terminate {len(ids)}", lambda: ours.terminate(ids))


def measured(answers: list[str], name: str, act: Callable[[], T]) -> T:
    """Do something and print what it cost."""
    calls, begun, cpu = len(answers), time.monotonic(), time.process_time()
    result = act()
    spent = f"{time.monotonic() - begun:.2f} s, {time.process_time() - cpu:.2f} CPU-s"
    say(f"{name}: {len(answers) - calls} calls, {spent}")
    return result


def say(words: str) -> None:
    """Print a line now."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def request(made: OpenStackLab, number: int) -> LaunchRequest:
    """Return a request of N VMs."""
    mark = Mark("inst-ours", new_id("b"), made.pool.vo, made.pool.name)
    return LaunchRequest(mark, made.pool, [f"vm-{index}" for index in range(number)], b"#cloud-config\n")


if __name__ == "__main__":
    main()
