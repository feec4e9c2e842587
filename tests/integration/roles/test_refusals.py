"""What roles refuse, and in which words: nothing is written before all of it is checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[3]
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a repository without domain": (
        "cvmfs",
        {"cvmfs_repositories": ["lhcb"]},
        "not the full name of a repository: lhcb",
    ),
    "a proxy without port": (
        "cvmfs",
        {"cvmfs_http_proxy": ["http://squid"]},
        "cvmfs_http_proxy: http://squid: each group",
    ),
    "an unknown parameter": (
        "cvmfs",
        {"cvmfs_parameters": {"CVMFS_TIMEOUTS": 5}},
        "the client knows no CVMFS_TIMEOUTS",
    ),
    "one with its own option": (
        "cvmfs",
        {"cvmfs_parameters": {"CVMFS_HTTP_PROXY": "DIRECT"}},
        "CVMFS_HTTP_PROXY, or an option of this role sets it",
    ),
    "an unknown one of a repository": (
        "cvmfs",
        {"cvmfs_repository_parameters": {"x.org": {"CVMFS_X": 1}}},
        "x.org: the client knows no CVMFS_X",
    ),
    "a quote": ("cvmfs", {"cvmfs_parameters": {"CVMFS_SERVER_URL": "it's"}}, "in it: CVMFS_SERVER_URL"),
    "a quote in the cache's folder": ("cvmfs", {"cvmfs_cache_base": "/it's"}, "in it: cvmfs_cache_base"),
    "a runtime without its sum": ("apptainer", {"apptainer_url": "http://example.org/a.deb"}, "apptainer_sha256: give"),
    "anchors from two places": (
        "trust_anchors",
        {
            "trust_anchors_cvmfs": "/x",
            "trust_anchors_url": "http://example.org/a.tar",
            "trust_anchors_sha256": "a" * 64,
        },
        "and not both",
    ),
    "too many accounts": (
        "worker",
        {"worker_payload_users": 101, "worker_sha256": "", "worker_file": "/x"},
        "at most 100",
    ),
}
FIRST = {"cvmfs": "validate", "worker": "accounts"}
"""The file of tasks that refuses, where it is not the first of `main`."""


def play(folder: Path) -> Path:
    """Write a playbook with a play for each case, that notes what its role said."""
    plays = []
    for name, (role, given, _) in CASES.items():
        apply = {"name": f"vmdirac.cloud.{role}", "tasks_from": FIRST.get(role, "main")}
        note = {"content": "{{ ansible_failed_result | to_json }}", "dest": str(folder / f"{name}.json")}
        block = {"block": [{"include_role": apply}], "rescue": [{"copy": note}]}
        plays.append({"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [block]})
    file = folder / "play.json"
    file.write_text(json.dumps(plays))
    return file


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the roles said to each case; without root, for nothing is touched."""
    folder = tmp_path_factory.mktemp("refusals")
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "collections"), "ANSIBLE_NOCOLOR": "1"}
    command = [str(Path(sys.prefix, "bin/ansible-playbook")), "-i", "localhost,", "-c", "local", str(play(folder))]
    interpreter = ["-e", "ansible_python_interpreter={{ ansible_playbook_python }}"]
    done = subprocess.run([*command, *interpreter], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return {file.stem: file.read_text() for file in folder.glob("*.json") if file.stem != "play"}


@pytest.mark.parametrize("case", CASES)
def test_bad_options_are_refused_by_name(said: dict[str, str], case: str) -> None:
    """The role fails, and its message names option and value."""
    assert CASES[case][2] in said.get(case, "it was taken")
