"""`vmdirac snapshot`, and `vmdirac plan` of what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.unit.cli.conftest import Run
from vmdirac_py.base.errors import BadInput, UnknownThing


def test_a_snapshot_is_planned_without_an_installation(vmdirac: Run, tmp_path: Path) -> None:
    """Elsewhere the same plan comes out, for people and for programs, each time."""
    file = tmp_path / "now.json"
    vmdirac("snapshot", file)
    assert file.stat().st_mode & 0o077 == 0
    here = json.loads(vmdirac("plan", "--json").stdout)
    there = [json.loads(vmdirac("plan", "--snapshot", file, "--json", home=False).stdout) for _ in range(2)]
    assert there[0] == there[1]
    asked = [[(one["pool"], one["count"]) for one in plan["decisions"]] for plan in (there[0], here)]
    assert asked[0] == asked[1] == [("astro-8", 1)]
    assert there[0]["placements"] == here["placements"]
    assert "astro-8" in vmdirac("plan", "--snapshot", file, home=False).stdout


def test_it_is_as_its_schema_says(vmdirac: Run) -> None:
    """What goes to standard output, indented or not, is valid by what `--schema` prints."""
    schema = json.loads(vmdirac("snapshot", "--schema", home=False).stdout)
    plain, pretty = (vmdirac("snapshot", *more).stdout for more in ((), ("--pretty",)))
    for text in (plain, pretty):
        Draft202012Validator(schema).validate(json.loads(text))
    assert len(plain.splitlines()) == 1 < len(pretty.splitlines())


def test_pseudonyms_name_nobody(vmdirac: Run) -> None:
    """With them no owner stands in it, and they are the same each time."""
    first, second = (vmdirac("snapshot", "--pseudonyms").stdout for _ in range(2))
    assert "jane" in vmdirac("snapshot").stdout
    assert "jane" not in first
    owners = [json.loads(text)["snapshot"]["demand"]["queues"][0]["owner"] for text in (first, second)]
    assert owners[0] == owners[1]
    assert owners[0].startswith("u-")


def test_it_is_read_from_standard_input(vmdirac: Run) -> None:
    """`-` joins one command to the other."""
    text = vmdirac("snapshot", "-").stdout
    assert json.loads(vmdirac("plan", "--snapshot", "-", "--json", home=False, input=text).stdout)["decisions"]


def test_a_file_that_cannot_be_is_refused(vmdirac: Run, tmp_path: Path) -> None:
    """Unknown fields, negative counts, no JSON, no file: the error names file and place."""
    file = tmp_path / "now.json"
    good = json.loads(vmdirac("snapshot").stdout)
    good["snapshot"]["demand"]["queues"][0]["waiting"] = -1
    for text, told in ((json.dumps(good), r"queues\[0\]\.waiting"), ("{", "no JSON"), ('{"version": 1, "x": 1}', "x")):
        file.write_text(text)
        with pytest.raises(BadInput, match=rf"now\.json.*{told}"):
            vmdirac("plan", "--snapshot", file, home=False)
    with pytest.raises(UnknownThing, match="no such file"):
        vmdirac("plan", "--snapshot", tmp_path / "none", home=False)
    with pytest.raises(BadInput, match="cannot be written"):
        vmdirac("snapshot", tmp_path / "none" / "now.json")


def test_a_clock_that_jumped_breaks_nothing(vmdirac: Run, tmp_path: Path) -> None:
    """A snapshot of a time before its demand and memory is planned; so is one of long after, which does nothing."""
    file = tmp_path / "now.json"
    told = json.loads(vmdirac("snapshot").stdout)
    for at, decisions in ((1.0, 1), (told["snapshot"]["at"] + 1e6, 0)):
        file.write_text(json.dumps(told | {"snapshot": told["snapshot"] | {"at": at}}))
        plan = json.loads(vmdirac("plan", "--snapshot", file, "--json", home=False).stdout)
        assert len(plan["decisions"]) == decisions
