"""A third party's own endpoint under the suite: what needs nothing ordered of it, and nothing left behind at the end.

The file (secrets as env:NAME or file:PATH references, as in an inventory):

    endpoint: {endpoint_kind: openstack, endpoint_site: CLOUD.Here.xy, endpoint_options: {...}}
    pool: {pool_flavor: m1.small, pool_image: debian-12, pool_cores: 1, pool_options: {...}}
    installation_id: inst-conformance-jane    # nothing bearing another's mark is touched
    max_vms: 3                                # the most to have at once
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict

from tests.conformance.labs import Entry, Names
from tests.support.wait import until
from vmdirac_py.clouds.api import CloudEndpoint
from vmdirac_py.clouds.registry import driver
from vmdirac_py.credentials.references import resolve
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.operations import revisions

POOL = "conformance"
END_SECONDS = 600.0


class Described(BaseModel):
    """The file of a real endpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: dict[str, Any]
    pool: dict[str, Any]
    installation_id: str
    max_vms: int = 3


class RealLab:
    """An endpoint as it is; nothing can be ordered of it."""

    idempotent = False  # where it is so, the kind's own entry shows it
    slow = True
    max_user_data = 0

    def __init__(self, inventory: Inventory, max_vms: int, home: Path) -> None:
        (self._endpoint,) = inventory.endpoints.values()
        self.pool: Pool = inventory.pools[POOL]
        self.max_vms = max_vms
        self._home = home

    @cached_property
    def can(self) -> frozenset[str]:
        """What its driver offers of itself."""
        return frozenset({"console"} if hasattr(self.endpoint("inst-asked-nothing"), "console") else ())

    def endpoint(self, installation: str, *, timeout: float | None = None) -> CloudEndpoint:
        """Return the driver as an installation has it; the file's timeout holds unless another is given."""
        described: Endpoint = self._endpoint
        if timeout is not None:
            described = replace(described, client_timeout=timeout)
        return driver(described.kind).connect(described, installation_id=installation, resolve=resolve, home=self._home)


def real_entry(path: Path) -> Entry:
    """Return the entry of the endpoint a file describes. Raises ValidationError, BadInput."""
    described = Described.model_validate(yaml.safe_load(path.read_text()))
    names = Names(described.installation_id, f"{described.installation_id}-other")
    return Entry(path.stem, partial(_lab, described=described, names=names, home=path.parent.resolve()), names)


@contextmanager
def _lab(folder: Path, *, described: Described, names: Names, home: Path) -> Iterator[RealLab]:
    lab = RealLab(_inventory(folder / "inventory.yml", described), described.max_vms, home)
    try:
        yield lab
    finally:
        for installation in (names.ours, names.theirs):
            _end_all(lab.endpoint(installation))


def _inventory(path: Path, described: Described) -> Inventory:
    tree = {
        "endpoint_tested": {"hosts": {POOL: described.pool}, "vars": described.endpoint},
        "vo_conformance": {"hosts": {POOL: None}, "vars": {"vo_groups": ["conformance_user"]}},
    }
    path.write_text(yaml.safe_dump({"all": {"children": tree}}))
    return revisions.check(path)


def _end_all(endpoint: CloudEndpoint) -> None:
    if left := _living(endpoint):
        endpoint.terminate(left)
    until(lambda: not _living(endpoint), seconds=END_SECONDS, step=2.0, what="the end of all its instances")


def _living(endpoint: CloudEndpoint) -> list[str]:
    return [instance.id for instance in endpoint.instances() if not instance.terminal]
