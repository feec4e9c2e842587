"""What a wheel carries beside the package; an editable install uses the checkout itself: there is one copy."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COLLECTION = "collections/ansible_collections/vmdirac/cloud"
INSTALLED = "ansible_collections/vmdirac/cloud"
SHARE = "vmdirac_py/share"

# Part by part: the collection's folder links to playbooks and roles, and its tests stay at home.
CARRIED = {
    **{f"{COLLECTION}/{part}": f"{INSTALLED}/{part}" for part in ("galaxy.yml", "README.md", "CHANGELOG.rst", "meta")},
    f"{COLLECTION}/plugins": f"{INSTALLED}/plugins",
    "playbooks": f"{INSTALLED}/playbooks",
    "roles": f"{INSTALLED}/roles",
    "inventories/quickstart": f"{SHARE}/inventories/quickstart",
    "examples/jobs": f"{SHARE}/examples/jobs",
}


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg] - the hook needs no configuration type
    """Adds what is carried to a real wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files unless this is an editable install."""
        if version != "editable":
            build_data["force_include"].update(CARRIED)
