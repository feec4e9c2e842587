"""What role cvmfs lets into the client's configuration, which the client itself would take in silence."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import jinja2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

ROLE = Path(__file__).resolve().parents[3] / "roles/cvmfs"
VARS = yaml.safe_load((ROLE / "vars/main.yml").read_text())
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
PROXY = st.one_of(
    st.sampled_from(["DIRECT", "auto"]),
    st.builds("http://{}:{}".format, st.sampled_from(["squid", "a.b.example.org", "[fd00::1]"]), st.integers(1, 65535)),
)


def pattern(name: str) -> re.Pattern[str]:
    """Return a pattern of the role, with the variables in it filled in."""
    text: str = VARS[name]
    while "{{" in text:
        text = jinja2.Template(text).render(VARS)
    return re.compile(text)


def rendered(parameters: dict[str, str]) -> str:
    """Return the lines of a repository's file."""
    environment = jinja2.Environment(trim_blocks=True, autoescape=False)
    environment.filters["dictsort"] = lambda items: sorted(items.items())
    return environment.from_string((ROLE / "templates/repository.local.j2").read_text()).render(
        item={"value": parameters}
    )


@given(st.lists(TEXT, min_size=1, max_size=20))
def test_what_is_let_in_is_what_a_shell_reads(values: list[str]) -> None:
    """Every value that the pattern takes comes out of the rendered file as it went in, whatever is in it."""
    taken = [value for value in values if pattern("cvmfs_value_pattern").match(value)]
    lines = rendered({f"CVMFS_X{number}": value for number, value in enumerate(taken)})
    echo = "".join(f'printf "%s\\n" "$CVMFS_X{number}"\n' for number in range(len(taken)))
    done = subprocess.run(["sh", "-eu"], input=(lines + "\n" + echo).encode(), capture_output=True, check=True)
    assert done.stdout.decode() == "".join(f"{value}\n" for value in taken)


@given(TEXT, st.sampled_from(["'", "\n", "\r", "\x1b", "\x7f"]), TEXT)
def test_what_could_end_the_quotes_or_the_line_is_refused(before: str, bad: str, after: str) -> None:
    """No value with a single quote or a control character passes."""
    assert not pattern("cvmfs_value_pattern").match(before + bad + after)


@given(st.lists(PROXY, min_size=1, max_size=4))
def test_proxies_that_share_a_load_pass(proxies: list[str]) -> None:
    """Any of the three kinds, alone or with | between them, is a group."""
    assert pattern("cvmfs_group_pattern").match("|".join(proxies))


@pytest.mark.parametrize(
    "group",
    ["", "|DIRECT", "DIRECT|", "DIRECT;DIRECT", "direct", "squid:3128", "http://squid", "http://squid:0", "http://:3128",
     "http://squid:3128/x", "http://a:1 | http://b:1", "http://squid:3128\n", "http://user:word@squid:3128"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused(group: str) -> None:
    """Groups in one entry, proxies without scheme or port, blanks, paths and passwords do not pass."""
    assert not pattern("cvmfs_group_pattern").match(group)


@pytest.mark.parametrize("name", ["lhcb.cern.ch", "cvmfs-config.cern.ch", "a_b.example.org", "x.y"])
def test_full_names_are_repositories(name: str) -> None:
    """A name with a domain passes."""
    assert pattern("cvmfs_repository_pattern").match(name)


@pytest.mark.parametrize(
    "name", ["", "lhcb", ".cern.ch", "lhcb.", "a..b", "-a.b", "a b.c", "../x.y", "a.b/c", "a.b\n", "$(x).y"]
)
def test_other_names_are_not(name: str) -> None:
    """Names without a domain, and whatever is more than a name, do not pass."""
    assert not pattern("cvmfs_repository_pattern").match(name)


@pytest.mark.parametrize("name", ["CVMFS_TIMEOUT", "CVMFS_CACHE_ram_TYPE", "CVMFS_USE_CDN"])
def test_parameters_of_the_client_are_known(name: str) -> None:
    """Its own list passes, and the parameters of a cache with a name."""
    assert pattern("cvmfs_name_pattern").match(name)


@pytest.mark.parametrize(
    "name",
    [
        "CVMFS_TIMEOUTS",
        "CVMFS_TIME",
        "cvmfs_timeout",
        "CVMFS_HTTP_PROXY",
        "CVMFS_QUOTA_LIMIT",
        "PATH",
        "CVMFS_TIMEOUT\n",
    ],
)
def test_others_are_not(name: str) -> None:
    """Misspelt ones, those of other programs, and those with an option of their own do not pass."""
    assert not pattern("cvmfs_name_pattern").match(name)


def test_the_list_is_in_order() -> None:
    """The known names are sorted and each is there once, so that a reader finds what is missing."""
    known = VARS["cvmfs_known_parameters"]
    assert known == sorted(set(known))
    assert not set(known) & set(VARS["cvmfs_own_parameters"])
