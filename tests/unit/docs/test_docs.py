"""The pages say what is."""

from __future__ import annotations

import pytest

from tests.docs import commands, links, modules, named, pages, schemas, tables


def test_links_and_named_files_lead_somewhere() -> None:
    """Every link of a page, and every file it names, exists; so does the heading a link points at."""
    assert links.problems() == []


def test_tables_made_from_the_code_are_current() -> None:
    """Keys, settings, states, deadlines and back-offs on the pages are those of the code."""
    assert tables.problems() == []


def test_published_schemas_are_current() -> None:
    """Whoever reads `docs/schemas/` reads what the program reads and writes."""
    assert schemas.problems() == []


def test_pages_name_all_there_is() -> None:
    """No module, playbook, role, job attribute, job state, fault or cloud lacks its line."""
    assert named.problems() == []


def test_named_commands_exist() -> None:
    """Every `vmdirac` command on a page exists, with the options it is given there."""
    assert commands.problems() == []


@pytest.mark.slow
def test_module_documentation_builds() -> None:
    """`ansible-doc` shows every module and role, and antsibull finds nothing wrong."""
    assert modules.problems() == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see `vmdirac nothing`", ["`vmdirac nothing`: there is no such command"]),
        ("    vmdirac job list --colour red\n", ["`vmdirac job list --colour red`: it has no option --colour"]),
        ("```\nvmdirac --home /srv/x job submit a.jdl -n 3\n```", []),
        ("the program `vmdirac_py`, and `vmdirac.cloud.plan`", []),
    ],
)
def test_a_wrong_command_is_seen(text: str, found: list[str]) -> None:
    """In a block, an indented block and a span; what only looks like a command is let be."""
    assert commands.problems_in(text) == found


def test_headings_become_anchors() -> None:
    """As GitHub makes them; a comment in code is no heading."""
    assert pages.anchors("# What it *is*, now\n```\n# not me\n```\n") == {"what-it-is-now"}
