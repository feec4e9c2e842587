"""The accounts of a bed as openstacksdk's file of clouds; JSON, which is YAML as well."""

from __future__ import annotations

from typing import Any

import msgspec

from .bed import Bed
from .values import Account, Project


def text(bed: Bed) -> bytes:
    """Return the file; it holds secrets."""
    clouds: dict[str, Any] = {"admin": _password(bed, bed.admin)}
    for name, project in bed.projects.items():
        clouds |= {name: _password(bed, project), f"{name}-appcred": _appcred(bed, project)}
    return msgspec.json.format(msgspec.json.encode({"clouds": clouds}), indent=2)


def _password(bed: Bed, account: Account) -> dict[str, Any]:
    auth = {
        "auth_url": bed.auth_url,
        "username": account.user,
        "password": account.password,
        "project_name": account.project,
        "user_domain_name": account.domain,
        "project_domain_name": account.domain,
    }
    return {"auth_type": "password", "region_name": bed.region, "auth": auth}


def _appcred(bed: Bed, project: Project) -> dict[str, Any]:
    auth = {
        "auth_url": bed.auth_url,
        "application_credential_id": project.appcred_id,
        "application_credential_secret": project.appcred_secret,
    }
    return {"auth_type": "v3applicationcredential", "region_name": bed.region, "auth": auth}
