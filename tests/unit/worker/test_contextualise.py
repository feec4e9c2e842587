from __future__ import annotations

import io
import tarfile

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.content import collection
from vmdirac_py.worker.contextualise import WORDS, Failed, apt_line, by_apt, by_dnf, check, unpacked, why

SIGNED = {"name": "site", "url": "http://mirror.example.org/x", "suite": "stable", "components": ["main"], "key": "/k"}
FLAT = {"name": "own", "url": "file:/srv/packages", "suite": "./", "trusted": True}
FAILURE = """
PLAY [Contextualise] ***********

TASK [vmdirac.cloud.profile : Packages] ****
ok: [localhost]

TASK [vmdirac.cloud.cvmfs : Read each repository once] ****
fatal: [localhost]: FAILED! => {"changed": false, "msg": "no squid\\nanswers", "rc": 1}

PLAY RECAP ****
localhost : ok=1 failed=1
"""


def archive(member: tarfile.TarInfo, data: bytes = b"") -> bytes:
    """Return an archive of one member."""
    buffer = io.BytesIO()
    member.size = len(data)
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_plain_files_are_unpacked() -> None:
    """Name and content arrive."""
    assert list(unpacked(archive(tarfile.TarInfo("roles/a/tasks/main.yml"), b"---\n"))) == [
        ("roles/a/tasks/main.yml", b"---\n")
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../out", tarfile.REGTYPE),
        ("a/../../out", tarfile.REGTYPE),
        ("/etc/passwd", tarfile.REGTYPE),
        ("link", tarfile.SYMTYPE),
        ("hard", tarfile.LNKTYPE),
        ("device", tarfile.CHRTYPE),
    ],
)
def test_nothing_else_is(name: str, kind: bytes) -> None:
    """Paths out of the folder, links and devices are refused by name."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(Failed, match=name.rpartition("/")[2]):
        list(unpacked(archive(member)))


def test_apt_is_told_of_mirrors_alone() -> None:
    """By their key, else the system's own; unsigned only when told so; without mirrors by the system's own sources."""
    assert apt_line(SIGNED) == "deb [signed-by=/k] http://mirror.example.org/x stable main"
    assert apt_line(FLAT) == "deb [trusted=yes] file:/srv/packages ./"
    assert apt_line({**FLAT, "trusted": False}) == "deb file:/srv/packages ./"
    assert all("Dir::Etc::sourceparts=/dev/null" in command for command in by_apt([SIGNED], "/list"))
    assert not any("sourcelist" in argument for command in by_apt([], "/list") for argument in command)


def test_dnf_is_told_of_mirrors_alone() -> None:
    """Only the named repositories are enabled, each checked by its key if it has one."""
    ((*options, verb, package),) = by_dnf([SIGNED, FLAT], "")
    assert (verb, package) == ("install", "ansible-core")
    assert [option for option in options if option.startswith("--repo=")] == ["--repo=site", "--repo=own"]
    assert "--setopt=site.gpgkey=file:///k" in options
    assert "--setopt=own.gpgcheck=0" in options
    assert "--setopt=own.gpgcheck=1" in by_dnf([{**FLAT, "trusted": False}], "")[0]
    assert by_dnf([], "") == [["dnf", "-y", "install", "ansible-core"]]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", "a,b"),
        ("name", "own\n"),
        ("name", ""),
        ("url", "http://mirror.example.org/x trusted=yes"),
        ("url", "http://mirror.example.org/x\ndeb [trusted=yes] http://other.example.org ./"),
        ("url", "https://me:secret@mirror.example.org/x"),
        ("url", "ftp://mirror.example.org"),
        ("suite", "stable main"),
        ("components", ["main", "x\ty"]),
        ("key", "/k trusted=yes"),
    ],
)
def test_a_mirror_that_is_more_than_one_line_or_word_is_refused(option: str, value: object) -> None:
    """Apt and dnf never see it; which one it is and what is unfit is told, without the address."""
    with pytest.raises(Failed, match=f"profile_mirrors: the {option} of mirror 2 is unfit") as told:
        check([FLAT, {**SIGNED, option: value}])
    assert "secret" not in str(told.value)


def test_sound_mirrors_are_taken() -> None:
    """Signed or not, under apt or dnf."""
    check([SIGNED, FLAT, {"name": "base-9.4", "url": "https://mirror.example.org:8080/el9?arch=x"}])


def test_the_role_takes_the_same_mirrors() -> None:
    """What the boot takes the role takes: their patterns are the same."""
    rules = yaml.safe_load((collection() / "roles/profile/vars/main.yml").read_text())["profile_rules"]
    of_role = [rule["pattern"] for says, rule in rules.items() if says.startswith("profile_mirrors")]
    assert of_role == list(WORDS.values())


def test_the_task_that_failed_is_named() -> None:
    """With its message, out of all that Ansible prints."""
    assert why(FAILURE) == "vmdirac.cloud.cvmfs : Read each repository once: no squid\nanswers"


def test_the_item_of_a_loop_that_failed_is_told() -> None:
    """Ansible tells of items in other words; what the program said last is of more use than its exit code."""
    told = '{"cmd": ["x"], "msg": "non-zero return code", "rc": 1, "stderr": "a\\nno such luck"}'
    log = f"TASK [profile : Commands] ***\nfailed: [localhost] (item=[1] => 2) => {told}\n\nPLAY RECAP ***\nx : ok=1\n"
    assert why(log) == "profile : Commands: non-zero return code: no such luck"


def test_words_that_are_no_task_s_failure_are_told() -> None:
    """Where Ansible did not even start, its last line says why."""
    assert why("[WARNING]: x\nERROR! the playbook could not be found\n\n") == "ERROR! the playbook could not be found"
    assert why("") == "ansible-playbook said nothing"


@given(st.text("fatal: TSK[]{}\n=>\"'msg*", max_size=60))
def test_any_log_is_read(log: str) -> None:
    """Whatever a log holds, there is a reason and no exception."""
    assert why(f"\n{log}\nfatal: [h]: FAILED! => {log}")
