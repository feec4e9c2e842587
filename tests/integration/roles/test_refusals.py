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
    "a mirror of two lines": (
        "profile",
        {"profile_mirrors": [{"name": "a\n", "url": "http://example.org"}]},
        "profile_mirrors: a name is of letters",
    ),
    "an address with a password": (
        "profile",
        {"profile_mirrors": [{"name": "a", "url": "https://me:secret@example.org/"}]},
        "profile_mirrors: a url is http, https or file",
    ),
    "an address with options behind it": (
        "profile",
        {"profile_mirrors": [{"name": "a", "url": "http://example.org\nTrusted: yes"}]},
        "profile_mirrors: a url is http, https or file",
    ),
    "a component of two words": (
        "profile",
        {"profile_mirrors": [{"name": "a", "url": "http://x.org", "components": ["main", "a b"]}]},
        "profile_mirrors: a component is one word",
    ),
    "a kernel setting of two lines": (
        "profile",
        {"profile_sysctl": {"vm.swappiness": "1\nkernel.core_pattern = |/x"}},
        "profile_sysctl: a value is one line",
    ),
    "scratch over the worker's folder": (
        "profile",
        {"profile_scratch_mount": "/var//lib/vmdirac/"},
        "payloads use /var/lib/vmdirac/jobs",
    ),
    "a runtime of an unknown kind": (
        "apptainer",
        {"apptainer_url": "http://example.org/a.zip", "apptainer_sha256": "a" * 64},
        "apptainer_url: http://example.org/a.zip does not end with .deb, .rpm,",
    ),
    "too many accounts": (
        "worker",
        {"worker_payload_users": 101, "worker_sha256": "", "worker_file": "/x"},
        "at most 100",
    ),
}
FIRST = {"cvmfs": "validate", "profile": "validate", "worker": "accounts"}
"""The file of tasks that refuses, where it is not the first of `main`."""


SOUND: dict[str, Any] = {
    "profile_mirrors": [
        {"name": "site", "url": "https://example.org:8080/x/?a=1", "suite": "./", "components": ["main", "non-free"]},
        {"name": "own-2.1_b", "url": "file:/srv/mirror", "key": "/k", "trusted": True},
    ],
    "profile_sysctl": {"vm.swappiness": 1, "net.ipv4.tcp_rmem": "4096\t16384 6291456"},
    "profile_scratch_mount": "/var/lib/vmdirac/jobs",
}
Case = tuple[str, dict[str, Any], str]


def play(folder: Path, cases: dict[str, Case]) -> Path:
    """Write a playbook with a play for each case, that notes what its role said."""
    plays = []
    for name, (role, given, first) in cases.items():
        apply = {"name": f"vmdirac.cloud.{role}", "tasks_from": first}
        note = {"content": "{{ ansible_failed_result | to_json }}", "dest": str(folder / f"{name}.json")}
        block = {"block": [{"include_role": apply}], "rescue": [{"copy": note}]}
        plays.append({"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [block]})
    file = folder / "play.json"
    file.write_text(json.dumps(plays))
    return file


def heard(folder: Path, cases: dict[str, Case]) -> dict[str, str]:
    """Return what the roles said to each case (role, variables, file of tasks) that they refused."""
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "collections"), "ANSIBLE_NOCOLOR": "1"}
    command = [
        str(Path(sys.prefix, "bin/ansible-playbook")),
        "-i",
        "localhost,",
        "-c",
        "local",
        str(play(folder, cases)),
    ]
    interpreter = ["-e", "ansible_python_interpreter={{ ansible_playbook_python }}"]
    done = subprocess.run([*command, *interpreter], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return {file.stem: file.read_text() for file in folder.glob("*.json") if file.stem != "play"}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the roles said to each case; without root, for nothing is touched."""
    cases = {name: (role, given, FIRST.get(role, "main")) for name, (role, given, _) in CASES.items()}
    return heard(tmp_path_factory.mktemp("refusals"), cases)


@pytest.mark.parametrize("case", CASES)
def test_bad_options_are_refused_by_name(said: dict[str, str], case: str) -> None:
    """The role fails, and its message names option and value."""
    assert CASES[case][2] in said.get(case, "it was taken")


def test_a_password_is_not_repeated(said: dict[str, str]) -> None:
    """Neither in the message nor in anything else that Ansible writes of it."""
    assert "secret" not in said["an address with a password"]


def test_sound_options_are_taken(tmp_path: Path) -> None:
    """Mirrors, kernel settings and a scratch disk for payloads pass."""
    assert heard(tmp_path, {"sound": ("profile", SOUND, "validate")}) == {}


def test_a_file_that_is_no_swap_stays_what_it_is(tmp_path: Path) -> None:
    """A swap file that is named by mistake is refused by key and name; contents and rights stay."""
    file = tmp_path / "of-somebody"
    file.write_bytes(b"precious" * 1024)
    file.chmod(0o640)
    given = {"profile_swap_file": str(file), "profile_swap_mb": 1}
    said = heard(tmp_path, {"mistake": ("profile", given, "swap")})["mistake"]
    assert f"profile_swap_file: {file} is there and no swap file" in said
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"precious" * 1024, 0o640)
