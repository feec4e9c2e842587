"""Fills a bed, run in DIRAC's environment: `tables` before the services, `proxies` and `content` with them.

Usage: seed.py tables|proxies|content|upload < ORDER.json
"""

import datetime as dt
import json
import sys
from typing import Any

import DIRAC
from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData
from DIRAC.Core.Security.m2crypto.X509Chain import X509Chain
from DIRAC.FrameworkSystem.Client.ProxyManagerClient import gProxyManager
from DIRAC.FrameworkSystem.DB.ProxyDB import ProxyDB
from DIRAC.ResourceStatusSystem.Client.ResourceStatusClient import ResourceStatusClient
from DIRAC.WorkloadManagementSystem.DB.SandboxMetadataDB import SandboxMetadataDB
from DIRAC.WorkloadManagementSystem.DB.TaskQueueDB import TaskQueueDB

ORDER = json.load(sys.stdin)
SECONDS = 7 * 86400


def right(answer: dict[str, Any]) -> Any:
    """Return the value of a DIRAC answer, or end with its message."""
    if not answer["OK"]:
        sys.exit(f"seed: {answer['Message']}")
    return answer.get("Value")


def tables() -> None:
    """Let one process make the tables that services make at first use: together they would race."""
    for file in ORDER["settings"]:
        right(gConfigurationData.loadFile(file))
    gConfigurationData.sync()
    for kind in (TaskQueueDB, SandboxMetadataDB, ProxyDB):
        kind()


def proxies() -> None:
    """Write a proxy of each group, and of each owner without a group."""
    for name, user, group in ORDER["proxies"]:
        chain = X509Chain()
        right(chain.loadChainFromFile(f"{ORDER['people']}/{user}.pem"))
        right(chain.loadKeyFromFile(f"{ORDER['people']}/{user}.key"))
        more = {"diracGroup": group} if group else {}
        right(chain.generateProxyToFile(f"{ORDER['folder']}/{name}.pem", SECONDS, **more))


def content() -> None:
    """Open the sites; with the host's rights."""
    DIRAC.initialize(require_auth=False)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    for site in ORDER["sites"]:
        status = {"statusType": "all", "status": "Active", "elementType": "Site", "reason": "bed", "vO": "all"}
        token = {"tokenOwner": "bed", "tokenExpiration": now + dt.timedelta(days=3650)}
        right(
            ResourceStatusClient().addOrModifyStatusElement(
                "Site", "Status", name=site, dateEffective=now, lastCheckTime=now, **status, **token
            )
        )


def upload() -> None:
    """Store the caller's proxy, so that pilots can fetch it for a payload."""
    DIRAC.initialize()
    right(gProxyManager.uploadProxy(ORDER["proxy"]))


{"tables": tables, "proxies": proxies, "content": content, "upload": upload}[sys.argv[1]]()
