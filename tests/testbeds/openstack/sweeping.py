"""Emptying a project between two tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from tests.testbeds.common.errors import Broke

from .client import Client
from .values import Account

AT_ONCE = 4
LOOK_S = 0.2
PATIENCE_S = 180.0


def empty(urls: Mapping[str, str], auth_url: str, account: Account) -> int:
    """Delete a project's servers, and the ports and floating addresses that lie about; return how many servers.

    Raises:
        Broke: a server is still there after `PATIENCE_S`.
    """
    client = Client(auth_url, account)
    found = _servers(client, urls["nova"])
    _delete(client, [f"{urls['nova']}/servers/{server}" for server in found])
    _wait(client, urls["nova"], account.project)
    _delete(client, _addresses(client, f"{urls['neutron']}/v2.0", account))
    return len(found)


def _servers(client: Client, nova: str) -> list[str]:
    found: list[str] = []
    while page := client.call("GET", f"{nova}/servers?limit=1000" + (f"&marker={found[-1]}" if found else ""))[
        "servers"
    ]:
        found += [server["id"] for server in page]
    return found


def _wait(client: Client, nova: str, project: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while left := client.call("GET", f"{nova}/servers?limit=1000")["servers"]:
        if time.monotonic() > end:
            raise Broke(f"{len(left)} servers are still there after {PATIENCE_S:.0f} s", where=project)
        time.sleep(LOOK_S)


def _addresses(client: Client, neutron: str, account: Account) -> list[str]:
    mine = f"project_id={account.project_id}"
    floating = client.call("GET", f"{neutron}/floatingips?{mine}")["floatingips"]
    ports = client.call("GET", f"{neutron}/ports?{mine}")["ports"]
    loose = [port for port in ports if port["device_owner"] == "" or port["device_owner"].startswith("compute:")]
    return [f"{neutron}/floatingips/{one['id']}" for one in floating] + [
        f"{neutron}/ports/{one['id']}" for one in loose
    ]


def _delete(client: Client, urls: list[str]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda url: client.call("DELETE", url), urls))
