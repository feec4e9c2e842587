from __future__ import annotations

import ast
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operations.golden.families import FAMILIES, SPECIMEN, golden, made
from vmdirac_py.clouds.ec2.orders import MAX_USER_DATA
from vmdirac_py.clouds.local.userdata import parse
from vmdirac_py.inventory.contexts import problems
from vmdirac_py.inventory.roles import known
from vmdirac_py.worker import boot
from vmdirac_py.worker.wire import Config

TEXT = st.text(max_size=20)


@pytest.mark.parametrize("family", FAMILIES)
def test_user_data_of_a_family(family: str) -> None:
    """What VMs of such a system are given was looked at once; `python -m tests.unit.operations.golden` writes it."""
    assert made(family) == golden(family).read_text()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_contexts_are_sound(family: str) -> None:
    """An inventory could hold the contexts of the golden files: the roles' own specs take them."""
    assert list(problems("pool_context", FAMILIES[family], known())) == []


def test_without_context_there_are_no_roles() -> None:
    """No context file, no roles to fetch; the embedded cloud takes it."""
    script = parse(SPECIMEN.write({}))
    settings = json.loads(next(file.content for file in script.files if file.path == "/etc/vmdirac/boot.json"))
    assert settings["roles_sha256"] == ""
    assert [file.path for file in script.files] == ["/etc/vmdirac/boot.json", "/var/lib/vmdirac/boot.py"]


def test_the_worker_understands_its_configuration() -> None:
    """Its fields are exactly those of the worker's own class."""
    assert set(files(SPECIMEN.write({}))["/etc/vmdirac/boot.json"]["worker"]) == set(Config._fields)


def test_only_root_reads_what_is_not_public() -> None:
    """The files with the token and with the site's settings are closed to others."""
    document = yaml.safe_load(SPECIMEN.write({"worker": {}}))
    closed = {file["path"] for file in document["write_files"] if file["permissions"] == "0600"}
    assert closed == {"/etc/vmdirac/boot.json", "/etc/vmdirac/context.json"}


def test_the_token_is_the_only_secret_and_stands_once() -> None:
    """It is in the boot's settings and nowhere else."""
    assert SPECIMEN.write({"worker": {}}).count(SPECIMEN.token.encode()) == 1


def test_what_is_long_is_compressed() -> None:
    """Above the cloud's limit the same text goes out compressed, with the same bytes each time."""
    context = {"profile": {"packages": [f"package-{n}" for n in range(1000)]}}
    plain, packed = SPECIMEN.write(context), SPECIMEN.write(context, most=MAX_USER_DATA)
    assert len(plain) > MAX_USER_DATA > len(packed)
    assert gzip.decompress(packed) == plain
    assert SPECIMEN.write(context, most=MAX_USER_DATA) == packed


def test_a_site_s_web_server_is_named() -> None:
    """The boot is told to fetch from there."""
    settings = files(SPECIMEN.write({}, bundle_url="http://squid.example.org/vmdirac"))["/etc/vmdirac/boot.json"]
    assert settings["bundle_url"] == "http://squid.example.org/vmdirac"


def test_roles_run_in_their_order() -> None:
    """Whatever the order in the inventory; the worker is always among them."""
    context = files(SPECIMEN.write({"cvmfs": {}, "profile": {}}))["/etc/vmdirac/context.json"]
    assert context["context_roles"] == ["profile", "cvmfs", "worker"]


def test_another_python_runs_the_boot() -> None:
    """Where the system's own is too old, the worker's is used from the first step on."""
    document = yaml.safe_load(SPECIMEN.write({"worker": {"python": "/usr/bin/python3.11"}}))
    assert document["runcmd"] == [["/usr/bin/python3.11", "/var/lib/vmdirac/boot.py"]]


@given(st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT, max_size=2), max_size=3))
def test_any_text_arrives_as_it_is(options: dict[str, Any]) -> None:
    """YAML, JSON and Ansible's templates make no other text of an option."""
    context = files(SPECIMEN.write({"profile": options}))["/etc/vmdirac/context.json"]
    assert {name: unwrapped(context[f"profile_{name}"]) for name in options} == options


def test_grammar_of_python_3_9() -> None:
    """The boot can be read by Python 3.9."""
    ast.parse(Path(boot.__file__).read_text(), feature_version=(3, 9))


def files(data: bytes) -> dict[str, Any]:
    """Return the JSON files of user data, by path."""
    written = yaml.safe_load(data)["write_files"]
    return {file["path"]: json.loads(file["content"]) for file in written if file["path"].endswith(".json")}


def unwrapped(value: Any) -> Any:
    """Return a value as Ansible has it: texts that are marked against templating are plain."""
    if isinstance(value, list):
        return [unwrapped(entry) for entry in value]
    if isinstance(value, dict):
        marked = value.get("__ansible_unsafe")
        return marked if isinstance(marked, str) and len(value) == 1 else {k: unwrapped(v) for k, v in value.items()}
    return value
