"""What a page must name: every module, playbook and role, every attribute of a job, every fault, every rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vmdirac_py.clouds.local.faults import KINDS
from vmdirac_py.clouds.registry import kinds
from vmdirac_py.model.job import JobState
from vmdirac_py.queues.jdl import OF_DIRAC, USED
from vmdirac_py.replay.rules import RULES

from .pages import ROOT

COLLECTION = ROOT / "collections/ansible_collections/vmdirac/cloud"


def modules() -> list[str]:
    """Return the collection's modules."""
    return sorted(path.stem for path in (COLLECTION / "plugins/modules").glob("*.py"))


def roles() -> list[str]:
    """Return the collection's roles."""
    return sorted(path.name for path in (ROOT / "roles").iterdir())


def playbooks() -> list[str]:
    """Return the collection's playbooks."""
    return sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def problems() -> list[str]:
    """Return every thing that the page about such things does not name, and every cloud without a page."""
    unnamed = [
        f"{page}: does not name `{name}`"
        for page, names in _wanted().items()
        for name in names
        if f"`{name}`" not in (ROOT / page).read_text()
    ]
    pages = (f"docs/clouds/{kind}.md" for kind in kinds())
    return unnamed + [f"{page}: there is no such page" for page in pages if not (ROOT / page).exists()]


def _wanted() -> Mapping[str, Iterable[str]]:
    return {
        "docs/ansible.md": (*modules(), *roles(), *(f"vmdirac.cloud.{name}" for name in playbooks())),
        "docs/jobs.md": (*USED, *OF_DIRAC, *JobState),
        "docs/clouds/local.md": KINDS,
        "docs/replay.md": RULES,
    }
