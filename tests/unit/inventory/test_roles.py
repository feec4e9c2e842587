from __future__ import annotations

from pathlib import Path

from vmdirac_py.base.content import collection
from vmdirac_py.inventory.contexts import KINDS
from vmdirac_py.inventory.roles import FILLED, Option, known, read

SPECS = """
argument_specs:
  main:
    options:
      cvmfs_repositories: {type: list, elements: str, required: true}
      cvmfs_users:
        type: list
        elements: dict
        options:
          name: {type: str, required: true}
      ansible_thing: {type: str}
"""


def test_options_come_from_the_argument_specs(tmp_path: Path) -> None:
    """Type, elements and inner options are the role's own; other variables are no options."""
    specs = tmp_path / "cvmfs" / "meta" / "argument_specs.yml"
    specs.parent.mkdir(parents=True)
    specs.write_text(SPECS)
    users = Option("list", elements="dict", options={"name": Option("str", required=True)})
    assert read(tmp_path) == {
        "cvmfs": {"repositories": Option("list", required=True, elements="str"), "users": users},
    }


def test_our_roles_can_be_checked() -> None:
    """Every type that our own roles name is one that values are checked against, and what we fill is theirs."""
    for options in known().values():
        for option in options.values():
            assert option.type in KINDS
            assert not option.elements or option.elements in KINDS
    for role, names in FILLED.items():
        text = (collection() / "roles" / role / "meta" / "argument_specs.yml").read_text()
        assert all(f"{role}_{name}:" in text for name in names)
