"""Nova's fake compute driver, made to live through restarts, to hold many servers, and to fail on demand."""

import json
import re
import time
from pathlib import Path
from typing import Any

import nova.conf
from nova import exception
from nova.virt import fake, node

CONF = nova.conf.CONF


class Cloud(fake.FakeDriver):
    """One host with room for some hundred servers.

    `instances.json` in Nova's state folder holds what "runs" here. `faults.json` there is read at every call:
    `spawn_delay`, `destroy_delay` (seconds), `spawn_error`, `destroy_error` (a regular expression on server names).
    """

    vcpus = 4_000
    memory_mb = 16_000_000
    local_gb = 1_000_000

    def init_host(self, host: str) -> None:
        """Take back what ran before."""
        super().init_host(host)
        for uuid, (name, state) in _load("instances.json").items():
            self.instances[uuid] = fake.FakeInstance(name, state, uuid)

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:  # noqa: ARG002, FBT001, FBT002  Nova's
        """Name this node with the id that is kept on disk: the stock driver makes one up in each process."""
        return {node.get_local_node_uuid(): name for name in self.get_available_nodes()}

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        """Bear the id that is kept on disk."""
        return super().get_available_resource(nodename) | {"uuid": node.get_local_node_uuid()}

    def spawn(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        """Start a server, unless a fault was ordered."""
        _fault("spawn", instance)
        super().spawn(context, instance, *args, **kwargs)
        self._save()

    def destroy(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        """End a server, unless a fault was ordered."""
        _fault("destroy", instance)
        super().destroy(context, instance, *args, **kwargs)
        self._save()

    def power_off(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        """Stop a server."""
        super().power_off(instance, *args, **kwargs)
        self._save()

    def power_on(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        """Start a stopped server."""
        super().power_on(context, instance, *args, **kwargs)
        self._save()

    def _save(self) -> None:
        file = _state("instances.json")
        new = file.with_suffix(f".{time.monotonic_ns()}")
        new.write_text(json.dumps({uuid: [one.name, one.state] for uuid, one in list(self.instances.items())}))
        new.replace(file)


def _state(name: str) -> Path:
    return Path(CONF.state_path) / name


def _load(name: str) -> dict[str, Any]:
    try:
        return json.loads(_state(name).read_text())
    except (OSError, ValueError):
        return {}


def _fault(call: str, instance: Any) -> None:
    faults = _load("faults.json")
    time.sleep(float(faults.get(f"{call}_delay", 0)))
    if re.search(faults.get(f"{call}_error") or "(?!)", instance.display_name or ""):
        raise exception.NovaException(f"ordered: {call} fails")
