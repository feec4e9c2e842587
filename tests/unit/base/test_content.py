from __future__ import annotations

from vmdirac_py.base.content import collection


def test_roles_and_playbooks_are_found() -> None:
    """Wherever this code runs from, its content lies in one place."""
    assert (collection() / "roles/worker/meta/argument_specs.yml").is_file()
    assert (collection() / "playbooks/contextualise.yml").is_file()
