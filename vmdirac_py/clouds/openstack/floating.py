"""VMs with an address of an outside network: each gets a port and an address of its own before it is made.

Nova takes ports for one server alone, so each VM is a call, and its mark names it. Port and address bear our mark in
their description, and the server names them in its metadata, so that both can go when it goes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vmdirac_py.clouds.api import (
    AnswerLost,
    AuthFailed,
    CloudError,
    Instance,
    LaunchRequest,
    LaunchResult,
    Mark,
    Refusal,
)
from vmdirac_py.clouds.marks import INSTALLATION, PREFIX

from .client import Client
from .errors import unreadable
from .launching import server_of
from .listing import shown
from .options import PoolOptions
from .placing import Place

PAUSES = (0.5, 1.0, 2.0)
PORT, ADDRESS = f"{PREFIX}port", f"{PREFIX}address"


def described(installation: str) -> str:
    """Return the mark of a port or an address: its description."""
    return f"{INSTALLATION}={installation}"


def launch_each(client: Client, request: LaunchRequest, options: PoolOptions, place: Place) -> LaunchResult:
    """Make the servers one by one until one is refused; that one and those after it are.

    Raises:
        AnswerLost: what became of one of them is not known.
        CloudError: the first was refused.
    """
    made = []
    for vm in request.vms:
        try:
            made.append(_launch_one(client, request, options, place, vm))
        except AnswerLost:
            raise
        except CloudError as error:
            if not made:
                raise
            return LaunchResult(tuple(made), (Refusal(len(request.vms) - len(made), error.error_class, str(error)),))
    return LaunchResult(tuple(made))


def release(client: Client, metadata: Mapping[str, str]) -> list[str]:
    """Delete the address and the port a deleted server had; return the paths of what is kept from us for now."""
    kinds = ((ADDRESS, "/floatingips"), (PORT, "/ports"))
    held = [f"{path}/{metadata[key]}" for key, path in kinds if metadata.get(key)]
    return [path for path in held if _is_kept(client, path)]


def release_again(client: Client, paths: Sequence[str]) -> None:
    """Try for some seconds what was kept from us; the sweep takes the rest.

    Neutron keeps a port from its project as long as Nova has it (policy `delete_port`, from 2026.1 on), and Nova lets
    go of it a while after it said yes to the deletion of its server.
    """
    left = list(paths)
    for pause in PAUSES:
        if left:
            time.sleep(pause)
            left = [path for path in left if _is_kept(client, path)]


def _is_kept(client: Client, path: str) -> bool:
    """Delete something, and tell whether that is forbidden for now; a cloud that hangs is not asked again."""
    try:
        client.delete("network", path)
    except AuthFailed:
        return True
    except CloudError:
        return False  # the sweep takes it
    return False


def _launch_one(client: Client, request: LaunchRequest, options: PoolOptions, place: Place, vm: str) -> Instance:
    mark = replace(request.mark, vm=vm)
    held: dict[str, str] = {}
    try:
        held[PORT] = _make(client, "port", _port(place, mark))
        held[ADDRESS] = _make(client, "floatingip", _address(place, mark, held[PORT]))
        networks = [{"port": held[PORT]}, *({"uuid": network} for network in place.networks[1:])]
        said = server_of(request, _without_groups(options), place, mark, name=vm, networks=networks)
        said["metadata"] |= held
        return _made(client, _id(client.post("compute", "/servers", {"server": said}), "server", client.name))
    except AnswerLost:
        raise  # the server may be there and use them; if it is not, the sweep takes them
    except CloudError:
        release(client, held)
        raise


def _made(client: Client, server: str) -> Instance:
    """Return a server that was taken. Raises AnswerLost."""
    try:
        return shown(client, server)
    except CloudError as error:
        raise AnswerLost(f"taken, but what came of it is not known: {error}", where=client.name) from error


def _without_groups(options: PoolOptions) -> PoolOptions:
    """Return options without security groups: those of a port are set on the port."""
    return options.model_copy(update={"security_groups": ()})


def _port(place: Place, mark: Mark) -> dict[str, Any]:
    groups = {"security_groups": list(place.security_groups)} if place.security_groups else {}
    return {"network_id": place.networks[0], "description": described(mark.installation), **groups}


def _address(place: Place, mark: Mark, port: str) -> dict[str, Any]:
    return {"floating_network_id": place.outside, "port_id": port, "description": described(mark.installation)}


def _make(client: Client, what: str, said: Mapping[str, Any]) -> str:
    return _id(client.post("network", f"/{what}s", {what: said}), what, client.name)


def _id(answer: Any, what: str, where: str) -> str:
    try:
        return str(answer[what]["id"])
    except (KeyError, TypeError) as error:
        raise unreadable(f"no {what}", where=where, acts=True) from error
