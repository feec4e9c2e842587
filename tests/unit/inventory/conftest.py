from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vmdirac_py.inventory.api import BadInventory, Problem
from vmdirac_py.inventory.load import load

GOOD = {
    "hosts.yml": """
all:
  children:
    endpoint_here:
      hosts: {small: , big: }
    vo_alpha:
      hosts: {small: }
    vo_beta:
      hosts: {big: }
""",
    "group_vars/all.yml": "pool_image: debian\npool_flavor: m1\n",
    "group_vars/endpoint_here.yml": "endpoint_kind: local\nendpoint_site: CLOUD.Here.org\n"
    "endpoint_options: {state: x}\n",
    "group_vars/vo_alpha.yml": "vo_groups: [alpha_user]\n",
    "group_vars/vo_beta.yml": "vo_groups: [beta_user]\n",
    "host_vars/small.yml": "pool_cores: 2\n",
    "host_vars/big.yml": "pool_cores: 8\n",
}

Tree = Callable[..., Path]


@pytest.fixture
def good() -> dict[str, str]:
    """The files of the good tree."""
    return GOOD


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Write the good tree with some files replaced, added, or (None) left out."""

    def write(changes: dict[str, str | None] | None = None) -> Path:
        root = tmp_path / "inventory"
        for name, text in (GOOD | (changes or {})).items():
            if text is not None:
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        return root

    return write


@pytest.fixture
def problems(tree: Tree) -> Callable[..., list[Problem]]:
    """Load a changed tree that must be refused, and return its problems with file names relative to the tree."""

    def complain(changes: dict[str, str | None]) -> list[Problem]:
        root = tree(changes)
        with pytest.raises(BadInventory) as caught:
            load(root)
        return [
            Problem(problem.file.removeprefix(f"{root}/"), problem.line, problem.key, problem.what, problem.mend)
            for problem in caught.value.problems
        ]

    return complain
