"""The embedded cloud's entry."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.labs import OURS, WORDS
from vmdirac_py.base.ids import new_id
from vmdirac_py.base.processes import marked
from vmdirac_py.clouds.api import Unavailable
from vmdirac_py.clouds.local import LocalEndpoint, connect, set_faults, start_server, stop_server
from vmdirac_py.clouds.local.client import Client
from vmdirac_py.clouds.local.records import Record, State, Store
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

SLEEP = b"#cloud-config\nruncmd:\n- [sleep, '600']\n"


class LocalLab:
    """A server with a state directory of its own."""

    can = WORDS - {"shift", "skew"}  # its listing has no pages, and nothing in it depends on clocks
    slow = False
    max_vms = 100
    max_user_data = 65_535
    idempotent = True
    pool = Pool("pool-1", "local", "vo-1", "site", "one-core", "host", Resources(cores=1, ram_mb=512))

    def __init__(self, state: Path) -> None:
        self._state = state
        self.start()

    def start(self) -> None:
        """Start the server."""
        start_server(self._state, max_vms=self.max_vms)

    def stop(self) -> None:
        """Make the cloud unreachable."""
        stop_server(self._state)

    def endpoint(self, installation: str, *, timeout: float = 30.0) -> LocalEndpoint:
        """Return the driver as an installation has it."""
        options = {"state": str(self._state)}
        described = Endpoint("local", "local", "site", client_timeout=timeout, options=options)
        return connect(described, installation_id=installation, resolve=str, home=self._state)

    def refuse(self, call: str, error_class: ErrorClass) -> None:
        """Let the next such call fail with this class."""
        set_faults(self._state, {"kind": "refuse", "call": call, "error_class": error_class})

    def refuse_some(self, refused: int) -> None:
        """Let the next launch refuse so many for lack of capacity."""
        set_faults(self._state, {"kind": "partial", "count": refused, "error_class": "no_capacity"})

    def hang(self, call: str, seconds: float, *, when: str) -> None:
        """Let the next such call wait, before or after acting."""
        set_faults(self._state, {"kind": "hang", "call": call, "seconds": seconds, "when": when})

    def lose_answer(self, call: str) -> None:
        """Let the next such call act and give no answer."""
        set_faults(self._state, {"kind": "lose", "call": call})

    def lag(self, seconds: float) -> None:
        """Hide instances younger than this from listings."""
        set_faults(self._state, {"kind": "lag", "seconds": seconds})

    def cut_listing(self) -> None:
        """Let listings be incomplete, and say so."""
        set_faults(self._state, {"kind": "half"})

    def mend(self) -> None:
        """End every fault."""
        set_faults(self._state, clear=True)

    def foreign(self, count: int) -> set[str]:
        """Start instances that belong to nobody we know, by the cloud's own protocol."""
        mark = {"installation": "somebody-else", "batch": "none", "vo": "none", "pool": "none", "vm": ""}
        answer = Client(self._state, 30.0).call(
            "launch",
            installation=mark["installation"],
            token=new_id("t"),
            count=count,
            flavor="one-core",
            cores=1,
            ram_mb=512,
            mark=mark,
            user_data=base64.b64encode(SLEEP).decode(),
        )
        return {instance["id"] for instance in answer["instances"]}

    def garble(self, call: str, how: str) -> None:
        """Let the next such call be answered by something that cannot be read."""
        set_faults(self._state, {"kind": "garble", "call": call, "how": how})

    def many(self, count: int) -> int:
        """Put records of ended instances there, which the cloud lists for a while: none of them needs a process."""
        stop_server(self._state)
        store, now = Store(self._state), time.time()
        mark = {"installation": OURS, "batch": "batch-many", "vo": "vo-1", "pool": "pool-1", "vm": ""}
        for number in range(count):
            record = Record(f"i-{number:012x}", OURS, "many", mark, "one-core", 1, 512, "127.77.0.1", now)
            store.put(record.moved(State.TERMINATED, now))
        self.start()
        return count

    def leave(self, instance: str) -> None:
        """Let the cloud announce that it will take this instance away."""
        set_faults(self._state, {"kind": "leave", "instance": instance})

    def user_data_of(self, endpoint: LocalEndpoint, instance: str) -> bytes:
        """Return the user data the cloud gave this instance."""
        return endpoint.user_data(instance)


@contextmanager
def lab(folder: Path) -> Iterator[LocalLab]:
    """Return a fresh cloud; at the end its VMs and its server are gone."""
    state = folder / "cloud"
    made = LocalLab(state)
    try:
        yield made
    finally:
        start_again_if_stopped(made, state)
        stop_server(state, terminate=True)
        instances = [path.stem for path in (state / "records").glob("*.json")]
        assert [pid for instance in instances for pid in marked(f"VMDIRAC_INSTANCE={instance}")] == []


def start_again_if_stopped(made: LocalLab, state: Path) -> None:
    """A stopped server cannot end its VMs."""
    try:
        set_faults(state, clear=True)
    except Unavailable:
        made.start()
